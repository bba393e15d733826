from services.sagemaker.acted import processes, s3, sagemaker, steps  # noqa: F401  (fixtures)

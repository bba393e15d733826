from endpoint_steps import hosting  # noqa: F401  (fixture)
from services.sagemaker.acted import processes, s3, sagemaker, steps  # noqa: F401  (fixtures)
from services.sagemaker.trained import data  # noqa: F401  (fixture)
from services.sagemaker.tuned import acting, tune  # noqa: F401  (fixtures)

"""Training jobs with rules, as tests ask for them, and what is read of them."""

from services.sagemaker.acted import request

RULES = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
OUT = "s3://sagemaker-data/out"


def rule(name="VanishingGradient", image=RULES, **parameters):
    told = {"rule_to_invoke": name} | parameters
    return {"RuleConfigurationName": f"{name}-1", "RuleEvaluatorImage": image, "RuleParameters": told}


def debugged(*rules, name="job", **members):
    hook = {"S3OutputPath": OUT, "CollectionConfigurations": [{"CollectionName": "losses"}]}
    return request(name) | {"DebugHookConfig": hook, "DebugRuleConfigurations": list(rules)} | members


def described(sagemaker, name="job"):
    return sagemaker.describe_training_job(TrainingJobName=name)


def status(sagemaker):
    (told,) = described(sagemaker)["DebugRuleEvaluationStatuses"]
    return told["RuleEvaluationStatus"], told.get("StatusDetails", "")


def of(processes, program):
    return next(id for id, launch in processes.launched.items() if program in " ".join(launch.argv))


def hook(**members):
    return {"DebugHookConfig": {"S3OutputPath": OUT} | members}

"""SageMaker SDK v2, as its guide writes Debugger: rules that stop a training of PyTorch, and the built-in XGBoost."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import sagemaker
from sagemaker.debugger import (
    CollectionConfig,
    DebuggerHookConfig,
    ProfilerConfig,
    ProfilerRule,
    Rule,
    rule_configs,
)
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.pytorch import PyTorch

SOURCE = str(Path(__file__).with_name("source"))

session = sagemaker.Session()
role = sagemaker.get_execution_role(session)


def rules_of(estimator, seconds=100):
    """Their statuses, once all have ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        told = estimator.latest_training_job.rule_job_summary()
        if all(each["RuleEvaluationStatus"] not in ("InProgress", "Stopping") for each in told):
            return {each["RuleConfigurationName"]: each for each in told}
        time.sleep(1)
    raise TimeoutError(told)


stopping = PyTorch(
    entry_point="vanish.py",
    source_dir=SOURCE,
    framework_version="2.1",
    py_version="py310",
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    sagemaker_session=session,
    debugger_hook_config=DebuggerHookConfig(hook_parameters={"save_interval": "5"}),
    profiler_config=ProfilerConfig(system_monitor_interval_millis=500),
    rules=[
        Rule.sagemaker(rule_configs.vanishing_gradient(), actions=rule_configs.ActionList(rule_configs.StopTraining())),
        Rule.sagemaker(
            rule_configs.loss_not_decreasing(),
            rule_parameters={"num_steps": "20"},
            collections_to_save=[CollectionConfig(name="losses", parameters={"save_interval": "5"})],
        ),
        ProfilerRule.sagemaker(rule_configs.ProfilerReport()),
    ],
)
stopping.fit(wait=False)
told = rules_of(stopping)
vanishing = told["VanishingGradient"]
assert vanishing["RuleEvaluationStatus"] == "IssuesFound", vanishing
assert vanishing["StatusDetails"].startswith("RuleEvaluationConditionMet: Evaluation of the rule VanishingGradient")
status = stopping.latest_training_job.describe()["TrainingJobStatus"]
assert status == "Stopped", status

tensors = stopping.latest_job_debugger_artifacts_path()
assert sagemaker.s3.S3Downloader.list(f"{tensors}/index", sagemaker_session=session), tensors
with tempfile.TemporaryDirectory() as folder:
    report = f"{stopping.output_path}{stopping.latest_training_job.job_name}/rule-output/ProfilerReport/profiler-output"
    sagemaker.s3.S3Downloader.download(f"{report}/profiler-report.html", folder, sagemaker_session=session)
    page = (Path(folder) / "profiler-report.html").read_text()
assert "<svg" in page and "What to do" in page

random = np.random.default_rng(0)
x = random.normal(size=(600, 3))
y = (x[:, 0] > 2).astype(int)  # one in forty
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="debugger/train")
boosted = Estimator(
    image_uri=sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    sagemaker_session=session,
    debugger_hook_config=DebuggerHookConfig(
        hook_parameters={"save_interval": "2"},
        collection_configs=[CollectionConfig(name=name) for name in ("metrics", "labels", "predictions", "trees")],
    ),
    rules=[
        Rule.sagemaker(rule_configs.class_imbalance(), rule_parameters={"samples": "100"}),
        Rule.sagemaker(rule_configs.tree_depth(), rule_parameters={"depth": "9"}),
        Rule.sagemaker(
            rule_configs.overtraining(), rule_parameters={"patience_train": "50", "patience_validation": "50"}
        ),
    ],
)
boosted.set_hyperparameters(objective="binary:logistic", num_round=10, max_depth=3)
channel = TrainingInput(data, content_type="text/csv")
boosted.fit({"train": channel, "validation": channel})
found = {name: each["RuleEvaluationStatus"] for name, each in rules_of(boosted).items()}
print("tensors", boosted.latest_job_debugger_artifacts_path())
print("rules", found)
expected = {"ClassImbalance": "IssuesFound", "TreeDepth": "NoIssuesFound", "Overtraining": "NoIssuesFound"}
sys.exit(0 if found == expected else f"the rules found otherwise: {found}")

"""The pipeline: prepare on two instances, tune, train, evaluate on people none has seen, then register or fail.

             ┌─▶ tune ─▶ train-xgboost (Debugger) ─┐                  ┌ yes ─▶ which ─▶ register-xgboost | -logistic
    prepare ─┤                                     ├─▶ evaluate ─▶ not-worse
             └─▶ train-logistic (the floor) ───────┘                  └ no ──▶ worse (Fail)

    python pipeline.py            # prints the definition; run.py creates and starts it

Tuning and training see the training and validation people only; evaluate looks at the test people, once a candidate.
The parameter Split lets a published protocol say who is tested: such an execution ends with evaluate.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

# The SDK holds a role against a list of its own, which allows much more than ours need.
os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
import boto3
from sagemaker.core import shapes
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
from sagemaker.core.processing import Processor
from sagemaker.core.training.configs import Compute, InputData
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TuningStep
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner
from watching import Debugged, watch

OWN = "own"  # the split that is this system's own
PARTS = ("train", "validation", "learn", "test", "live", "facts")  # what prepare writes
KINDS = ("logistic", "xgboost")  # the simpler first: it is the floor
RANGES = {  # unless a data set has its own in model/hyperparameters.json
    "eta": (ContinuousParameter, (0.02, 0.3), "Logarithmic"),
    "max_depth": (IntegerParameter, (1, 6), "Auto"),
    "min_child_weight": (ContinuousParameter, (2, 60), "Logarithmic"),
    "num_round": (IntegerParameter, (40, 200), "Auto"),
    "lambda": (ContinuousParameter, (1, 20), "Logarithmic"),
}
TUNING_JOBS, AT_ONCE, TUNING_SEED = 8, 2, 7
OBJECTIVE = "validation:logloss"
PREPARING = 2  # instances
DRAWS = 500  # resamples of the test people, as evaluate.py has them by itself
SECONDS = 3600  # the longest a job may take
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
SERVED = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


@dataclass(frozen=True)
class Plan:
    """What a pipeline is made of: names, places in S3, images, roles."""

    dataset: str
    root: str  # s3://bucket/mlops/<dataset>
    raw: str  # the shards
    code: str  # the scripts of Prepare
    source: str  # sourcedir.tar.gz of the logistic regression
    images: dict[str, str]  # sklearn, xgboost, and ours: judge
    jobs: str  # role
    settings: dict[str, Any]  # hyperparameters that are not tuned, by kind; and the ranges of those that are
    instance: str
    seed: int = TUNING_SEED  # of the tuner

    @property
    def name(self) -> str:
        return f"mlops-{self.dataset.replace('_', '-')}"


def build(plan: Plan, session: PipelineSession) -> Pipeline:
    """The pipeline, not created yet."""
    candidate = ParameterString("Candidate", default_value="xgboost", enum_values=list(KINDS))
    approved = ParameterString("Approved", default_value=f"{plan.root}/nothing/")
    share = ParameterFloat("TrainShare", default_value=1.0)
    split = ParameterString("Split", default_value=OWN)
    draws = ParameterInteger("Draws", default_value=DRAWS)
    made = Steps(plan, session)
    prepared = made.prepare(share, split)
    tuned = made.tune(prepared)
    trained = {"logistic": made.logistic(prepared), "xgboost": made.xgboost(prepared, tuned)}
    judged, report = made.evaluate(prepared, trained, {"--candidate": candidate, "--draws": draws}, approved)
    verdict, reason = (JsonGet(judged.name, report, f"gate.{part}") for part in ("verdict", "reason"))
    chosen = ConditionStep(
        name="which",
        conditions=[ConditionEquals(left=candidate, right="xgboost")],
        if_steps=[made.register("xgboost", trained["xgboost"], judged)],
        else_steps=[made.register("logistic", trained["logistic"], judged)],
    )
    gate = ConditionStep(
        name="not-worse",
        conditions=[ConditionEquals(left=verdict, right="pass")],
        if_steps=[chosen],
        else_steps=[FailStep(name="worse", error_message=Join(on=" ", values=["Not registered:", reason]))],
    )
    own = ConditionStep(
        name="own-split",
        depends_on=[judged],
        conditions=[ConditionEquals(left=split, right=OWN)],
        if_steps=[gate],
        else_steps=[],
    )
    steps = [prepared, tuned, *trained.values(), judged, own]
    return Pipeline(
        plan.name,
        parameters=[candidate, approved, share, split, draws],
        steps=steps,
        sagemaker_session=session,
        pipeline_experiment_config=None,  # lineage and the registry tell it; experiments would need more rights
    )


class Steps:
    """Each step of the pipeline, one method."""

    def __init__(self, plan: Plan, session: PipelineSession) -> None:
        self.plan, self.session = plan, session

    def prepare(self, share: ParameterFloat, split: ParameterString) -> ProcessingStep:
        entry = ["python3", "/opt/ml/processing/input/code/prepare.py"]
        processor = self._processor(self.plan.images["sklearn"], PREPARING, entry)
        ran = processor.run(
            inputs=[
                self._input("raw", self.plan.raw, "/opt/ml/processing/input/raw", "ShardedByS3Key"),
                self._input("code", self.plan.code, "/opt/ml/processing/input/code"),
            ],
            outputs=[self._output(part) for part in PARTS],
            arguments=["--train-share", share.to_string(), "--split", split.to_string()],
        )
        return ProcessingStep(name="prepare", step_args=ran, cache_config=CACHE)

    def tune(self, prepared: ProcessingStep) -> TuningStep:
        tuner = HyperparameterTuner(
            model_trainer=self._trainer("xgboost", self.plan.settings["xgboost"]),
            objective_metric_name=OBJECTIVE,
            objective_type="Minimize",
            hyperparameter_ranges=self._ranges(),
            max_jobs=self.plan.settings.get("tuning_jobs", TUNING_JOBS),
            max_parallel_jobs=AT_ONCE,
            random_seed=self.plan.seed,
            early_stopping_type="Auto",
        )
        return TuningStep(
            name="tune", step_args=tuner.tune(inputs=self._channels(prepared, "train")), cache_config=CACHE
        )

    def xgboost(self, prepared: ProcessingStep, tuned: TuningStep) -> TrainingStep:
        best = tuned.properties.BestTrainingJob.TunedHyperParameters
        chosen = self.plan.settings["xgboost"] | {name: best[name] for name in RANGES}
        trainer = self._trainer("xgboost", chosen)
        ran = trainer.train(input_data_config=self._channels(prepared, "learn"))
        step = Debugged("train-xgboost", ran, cache_config=CACHE)
        step.watch = watch(self.session.boto_region_name, f"{self.plan.root}/debug")
        return step

    def logistic(self, prepared: ProcessingStep) -> TrainingStep:
        script = {"sagemaker_program": "train.py", "sagemaker_submit_directory": self.plan.source}
        trainer = self._trainer("logistic", self.plan.settings["logistic"] | script)
        ran = trainer.train(input_data_config=self._channels(prepared, "learn"))
        return TrainingStep("train-logistic", ran, cache_config=CACHE)

    def evaluate(
        self,
        prepared: ProcessingStep,
        trained: dict[str, TrainingStep],
        told: dict[str, Any],
        approved: ParameterString,
    ) -> tuple[ProcessingStep, PropertyFile]:
        """In a container of our own: container/Dockerfile."""
        base = "/opt/ml/processing"
        models = {kind: step.properties.ModelArtifacts.S3ModelArtifacts for kind, step in trained.items()}
        ran = self._processor(self.plan.images["judge"], 1, None).run(
            inputs=[
                self._input("test", self._part(prepared, "test"), f"{base}/test"),
                *(self._input(kind, uri, f"{base}/{kind}") for kind, uri in models.items()),
                self._input("approved", approved, f"{base}/approved"),
            ],
            outputs=[self._output("evaluation")],
            arguments=[
                *("--test", f"{base}/test"),
                *(word for kind in KINDS for word in ("--model", f"{kind}={base}/{kind}/model.tar.gz")),
                *("--approved", f"{base}/approved"),
                *(word for name, value in told.items() for word in (name, value.to_string())),
                *("--out", f"{base}/output/evaluation/evaluation.json"),
            ],
        )
        report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
        return ProcessingStep(name="evaluate", step_args=ran, property_files=[report], cache_config=CACHE), report

    def register(self, kind: str, trained: TrainingStep, judged: ProcessingStep) -> ModelStep:
        place = judged.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
        report = Join(on="/", values=[place, "evaluation.json"])
        builder = ModelBuilder(
            image_uri=self._image(kind),
            s3_model_data_url=trained.properties.ModelArtifacts.S3ModelArtifacts,
            env_vars=SERVED if kind == "logistic" else {},
            role_arn=self.plan.jobs,
            sagemaker_session=self.session,
        )
        ran = builder.register(
            model_package_group_name=self.plan.name,
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=[self.plan.instance],
            transform_instances=[self.plan.instance],
            approval_status="PendingManualApproval",
            model_metrics=ModelMetrics(MetricsSource("application/json", report)),
            customer_metadata_properties={"kind": kind},
        )
        return ModelStep(name=f"register-{kind}", step_args=ran)

    def _image(self, kind: str) -> str:
        return self.plan.images["xgboost" if kind == "xgboost" else "sklearn"]

    def _trainer(self, kind: str, chosen: dict[str, Any]) -> ModelTrainer:
        return ModelTrainer(
            sagemaker_session=self.session,
            role=self.plan.jobs,
            training_image=self._image(kind),
            compute=Compute(instance_type=self.plan.instance, instance_count=1, volume_size_in_gb=10),
            hyperparameters=chosen,
            stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=SECONDS),
            output_data_config=shapes.OutputDataConfig(s3_output_path=f"{self.plan.root}/models"),
        )

    def _ranges(self) -> dict[str, Any]:
        """What is tuned, and between which values."""
        own = self.plan.settings.get("ranges", {})
        return {name: kind(*own.get(name, ends), scale) for name, (kind, ends, scale) in RANGES.items()}

    def _channels(self, prepared: ProcessingStep, learnt: str) -> list[InputData]:
        """learnt: the part of prepare that is the job's train."""
        return [
            InputData(channel_name=channel, data_source=self._part(prepared, part), content_type="text/csv")
            for channel, part in {"train": learnt, "validation": "validation"}.items()
        ]

    def _processor(self, image: str, instances: int, entry: list[str] | None) -> Processor:
        return Processor(
            role=self.plan.jobs,
            image_uri=image,
            instance_count=instances,
            instance_type=self.plan.instance,
            entrypoint=entry,
            max_runtime_in_seconds=SECONDS,
            sagemaker_session=self.session,
        )

    def _part(self, prepared: ProcessingStep, name: str) -> Any:
        return prepared.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri

    def _input(self, name: str, uri: Any, path: str, shared: str = "FullyReplicated") -> shapes.ProcessingInput:
        place = shapes.ProcessingS3Input(
            s3_uri=uri,
            local_path=path,
            s3_data_type="S3Prefix",
            s3_input_mode="File",
            s3_data_distribution_type=shared,
        )
        return shapes.ProcessingInput(input_name=name, s3_input=place)

    def _output(self, name: str) -> shapes.ProcessingOutput:
        uri = Join(on="/", values=[self.plan.root, "runs", ExecutionVariables.PIPELINE_EXECUTION_ID, name])
        path = f"/opt/ml/processing/output/{name}"
        place = shapes.ProcessingS3Output(s3_uri=uri, local_path=path, s3_upload_mode="EndOfJob")
        return shapes.ProcessingOutput(output_name=name, s3_output=place)


def session(boto: boto3.Session, bucket: str) -> PipelineSession:
    return PipelineSession(boto_session=boto, default_bucket=bucket)


if __name__ == "__main__":
    images = {
        name: f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{name}:1" for name in ("sklearn", "xgboost", "judge")
    }
    root = "s3://bucket/mlops/randhie"
    role = "arn:aws:iam::000000000000:role/mlops-jobs"
    places = {name: f"{root}/{name}" for name in ("raw", "code", "source")}
    example = Plan(
        "randhie", root, **places, images=images, jobs=role, settings={k: {} for k in KINDS}, instance="ml.m5.large"
    )
    definition = build(example, session(boto3.Session(region_name="us-east-1"), "bucket")).definition()
    print(json.dumps(json.loads(definition), indent=1))

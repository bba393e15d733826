"""The built-in algorithms as AWS's API has them: a job by an image's URI, its metrics, its model behind an endpoint."""

import json

import numpy
import pytest
from endpoint_steps import hosting, until  # noqa: F401  (fixture)
from images.algorithms.steps import records_of
from services.sagemaker.acted import ROLE, channel, request

REGISTRY = "382416733822.dkr.ecr.us-east-1.amazonaws.com/"
NUMBERS = numpy.random.default_rng(0)
FEATURES = NUMBERS.normal(size=(300, 3)) + numpy.repeat([[0, 0, 0], [6, 0, 0], [0, 6, 0]], 100, axis=0)
LABELS = numpy.repeat([0.0, 1.0, 1.0], 100)
TABLE = "".join(",".join(map(repr, map(float, row))) + "\n" for row in numpy.column_stack([LABELS, FEATURES])).encode()
ROW = ",".join(map(str, FEATURES[0])).encode()
BINARY = "application/x-recordio-protobuf"
SERIES = json.dumps({"start": "2020-01-01", "target": [float(n % 12) for n in range(60)]}).encode()
CASES = {
    "linear-learner": ({"predictor_type": "binary_classifier", "mini_batch_size": "50"}, "train:objective_loss"),
    "pca": ({"feature_dim": "3", "num_components": "2", "mini_batch_size": "100"}, "train:throughput"),
    "knn": ({"feature_dim": "3", "k": "3", "sample_size": "200", "predictor_type": "classifier"}, "test:accuracy"),
    "randomcutforest": ({"feature_dim": "3"}, "test:f1"),
    "lightgbm-classification-model": ({"num_boost_round": "10"}, "binary_logloss"),
    "forecasting-deepar": (
        {"context_length": "12", "prediction_length": "6", "epochs": "1", "time_freq": "M", "num_cells": "8"},
        "test:RMSE",
    ),
}


def data_of(name):
    """(content type, file name, training data)"""
    if name == "forecasting-deepar":
        return "json", "data.json", SERIES
    if name.startswith("lightgbm"):
        return "text/csv", "data.csv", TABLE
    return BINARY, "data", records_of(FEATURES, LABELS)


class Account:
    def __init__(self, clients):
        self.s3, self.sagemaker, self.runtime = clients.s3, clients.sagemaker, clients.runtime
        self.s3.create_bucket(Bucket="sagemaker-data")

    def put(self, key, body):
        self.s3.put_object(Bucket="sagemaker-data", Key=key, Body=body)

    def train(self, image, hyperparameters, channels, instances=1):
        self.sagemaker.create_training_job(
            **request(
                "job",
                algorithm={"TrainingImage": REGISTRY + image + ":1"},
                HyperParameters=hyperparameters,
                InputDataConfig=channels,
                ResourceConfig={"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
            )
        )
        describe = lambda: self.sagemaker.describe_training_job(TrainingJobName="job")  # noqa: E731
        doc = until(lambda: (d := describe())["TrainingJobStatus"] != "InProgress" and d, 100)
        assert doc["TrainingJobStatus"] == "Completed", doc.get("FailureReason")
        return doc, {each["MetricName"]: each["Value"] for each in doc.get("FinalMetricDataList", [])}

    def ask(self, image, url, body, content_type, accept="application/json"):
        container = {"Image": REGISTRY + image + ":1", "ModelDataUrl": url}
        self.sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
        variant = {"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        self.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
        status = lambda: self.sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"]  # noqa: E731
        assert until(lambda: (s := status()) != "Creating" and s, 60) == "InService"
        answer = self.runtime.invoke_endpoint(EndpointName="e", Body=body, ContentType=content_type, Accept=accept)
        return json.loads(answer["Body"].read())


@pytest.fixture
def account(hosting):  # noqa: F811  (fixture)
    return Account(hosting)


def test_k_means_on_two_hosts_is_of_all_shards_and_is_hosted(account):
    halves = numpy.array_split(FEATURES[numpy.argsort(FEATURES[:, 0])], 2)  # neither host sees all clusters
    for number, part in enumerate(halves):
        account.put(f"train/{number}", records_of(part))
    source = {"S3DataDistributionType": "ShardedByS3Key"}
    train = channel(source=source)
    given = {"feature_dim": "3", "k": "3", "epochs": "3", "init_method": "kmeans++", "force_dense": "True"}

    doc, metrics = account.train("kmeans", given, [train], instances=2)

    assert metrics["train:msd"] < 4 and metrics["train:progress"] == 100
    answer = account.ask("kmeans", doc["ModelArtifacts"]["S3ModelArtifacts"], ROW, "text/csv")
    assert answer["predictions"][0]["distance_to_cluster"] < 4


def test_the_metrics_of_an_image_are_in_its_description(account):
    account.put("train/0", b"1")
    account.sagemaker.create_training_job(
        **request(algorithm={"TrainingImage": REGISTRY + "linear-learner:1"}, InputDataConfig=[channel()])
    )
    named = {
        each["Name"]: each["Regex"]
        for each in account.sagemaker.describe_training_job(TrainingJobName="job")["AlgorithmSpecification"][
            "MetricDefinitions"
        ]
    }
    assert named["test:binary_f_beta"] == r"#quality_metric: host=\S+, test binary_f_\S+ <score>=(\S+)"
    assert named["train:objective_loss"] == r"#quality_metric: host=\S+, epoch=\S+, train \S+_objective <loss>=(\S+)"


def test_other_built_in_algorithms_are_refused_by_name(account):
    account.put("train/0", b"1")
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="The built-in algorithm blazingtext is not off"):
        account.train("blazingtext", {}, [channel()])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_an_algorithm_trains_and_is_hosted(account, name):
    if name == "forecasting-deepar":
        pytest.importorskip("gluonts")
    content_type, key, body = data_of(name)
    hyperparameters, metric = CASES[name]
    second = "validation" if name.startswith("lightgbm") else "test"
    account.put(f"train/{key}", body)
    account.put(f"test/{key}", body)
    mode = {"InputMode": "Pipe"} if content_type == BINARY else {}
    channels = [channel("train", ContentType=content_type, **mode)]
    channels.append(channel(second, "s3://sagemaker-data/test/", ContentType=content_type, **mode))

    doc, metrics = account.train(name, hyperparameters, channels)

    assert metric in metrics
    asked = (ROW, "text/csv") if name != "forecasting-deepar" else (b'{"instances": [%b]}' % SERIES, "application/json")
    answer = account.ask(name, doc["ModelArtifacts"]["S3ModelArtifacts"], *asked)
    assert len(next(iter(answer.values()))) == 1

"""Which program stands in for which image of AWS."""

import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from skylab.services.sagemaker.jobs import runtimes
from skylab.wire.errors import AwsError

ECR = "683313688378.dkr.ecr.us-east-1.amazonaws.com/"


def with_versions(monkeypatch, **installed):
    def find(name):
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(runtimes, "version", find)


@pytest.mark.parametrize(
    "image, name, asked",
    [
        ("sagemaker-xgboost:1.7-1", "xgboost", "1.7-1"),
        ("sagemaker-xgboost:0.90-1-cpu-py3", "xgboost", "0.90-1"),
        ("xgboost:1", "xgboost", "0.72"),
        ("sagemaker-scikit-learn:1.2-1-cpu-py3", "sklearn", "1.2-1"),
        ("sagemaker-scikit-learn:1.4-2-py312-cpu-py3", "sklearn", "1.4-2"),
        ("pytorch-training:2.1.0-cpu-py310", "pytorch", "2.1.0"),
        ("pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker", "pytorch", "2.6.0"),
        ("pytorch-inference-graviton:2.4.0-cpu-py311-ubuntu22.04-sagemaker", "pytorch", "2.4.0"),
        ("sagemaker-pytorch:1.1.0-cpu-py3", "pytorch", "1.1.0"),
    ],
)
def test_an_image_of_the_sdk_is_known_in_every_region(monkeypatch, image, name, asked):
    with_versions(monkeypatch, **{"xgboost-cpu": "3.2.0", "scikit-learn": "1.9.1", "torch": "2.13.0+cpu"})

    for registry in (ECR, "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/", ""):
        found = runtimes.resolve(registry + image)

        assert (found.name, found.asked) == (name, asked)
        assert found.train == [sys.executable, "-m", "skylab.images.train", name]
        assert found.serve == [sys.executable, "-m", "skylab.images.serve", name]


def test_a_different_version_is_told_and_the_same_is_not(monkeypatch):
    with_versions(monkeypatch, **{"xgboost-cpu": "3.2.0"})

    assert runtimes.resolve(ECR + "sagemaker-xgboost:1.7-1").notice == (
        "xgboost 3.2.0 stands in for the 1.7-1 that the image asks for"
    )
    assert runtimes.resolve(ECR + "sagemaker-xgboost:3.2-0").notice == ""


def test_an_unknown_image_is_refused_with_those_that_are_known():
    listed = (
        "not known here.*sagemaker-xgboost, xgboost, sagemaker-scikit-learn, .*pytorch-inference, sagemaker-pytorch"
    )
    with pytest.raises(AwsError, match=listed) as refused:
        runtimes.resolve(ECR + "my-own:latest")

    assert refused.value.code == "ValidationException"


def test_a_library_that_is_not_installed_is_named_with_what_installs_it(monkeypatch):
    with_versions(monkeypatch)

    with pytest.raises(AwsError, match=r"needs torch.*`skylab image pull pytorch-training`"):
        runtimes.resolve(ECR + "pytorch-training:2.1.0-cpu-py310")


def test_versions_are_found_without_importing_the_library():
    assert runtimes.resolve(ECR + "sagemaker-scikit-learn:1.2-1").installed == version("scikit-learn")


@pytest.mark.parametrize(
    "image, name",
    [
        ("linear-learner:1", "linear-learner"),
        ("kmeans:1", "kmeans"),
        ("pca:1", "pca"),
        ("knn:1", "knn"),
        ("randomcutforest:1", "randomcutforest"),
        ("forecasting-deepar:1", "forecasting-deepar"),
        ("lightgbm-regression-model:2.1.0", "lightgbm-regression"),
        ("lightgbm-classification-model", "lightgbm-classification"),
        ("lightgbm:latest", "lightgbm"),
    ],
)
def test_a_built_in_algorithm_runs_by_its_name(monkeypatch, image, name):
    with_versions(monkeypatch, **{"scikit-learn": "1.9.1", "faiss-cpu": "1.15", "lightgbm": "4.7", "gluonts": "0.17"})

    found = runtimes.resolve("382416733822.dkr.ecr.us-east-1.amazonaws.com/" + image)

    assert found.name == name and found.train[-1] == found.serve[-1] == name
    assert found.notice == ""  # the tag is the image's, not the library's


@pytest.mark.parametrize("name", ["blazingtext", "lda", "catboost-classification-model", "factorization-machines"])
def test_another_built_in_algorithm_is_refused_by_name(name):
    with pytest.raises(AwsError, match=f"The built-in algorithm {name} is not offered here. .*linear-learner, kmeans"):
        runtimes.resolve(ECR + name + ":1")


def test_deepar_without_its_library_names_what_installs_it(monkeypatch):
    with_versions(monkeypatch)

    with pytest.raises(AwsError, match=r"needs gluonts.*`skylab image pull forecasting-deepar`"):
        runtimes.resolve(ECR + "forecasting-deepar:1")

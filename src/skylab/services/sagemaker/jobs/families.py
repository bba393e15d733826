"""The families of images that we have programs for, and the metrics that AWS's images of built-in algorithms define."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True)
class Family:
    """Images that one of our programs stands in for.

    packages: the names under which its library is installed. tagged: the tag is a version of the library.
    commands: modules of images/ that stand in for programs which the image has in its PATH, by name.
    """

    name: str
    repositories: re.Pattern[str]
    library: str
    packages: tuple[str, ...]
    extra: str
    tagged: bool = True
    verbs: tuple[str, ...] = ("train", "serve")
    commands: tuple[tuple[str, str], ...] = ()
    process: str = ""  # the module of images/ that is its program for processing jobs


def _algorithm(name: str, library: str = "scikit-learn", repository: str = "", extra: str = "tabular") -> Family:
    return Family(name, re.compile(repository or name), library, (library,), extra, tagged=False)


PYTORCH = "pytorch-(training|inference)(-graviton|-arm64)?|sagemaker-pytorch"
FAMILIES = [
    Family("xgboost", re.compile("(sagemaker-)?xgboost"), "xgboost", ("xgboost-cpu", "xgboost"), "tabular"),
    Family("sklearn", re.compile("sagemaker-scikit-learn"), "scikit-learn", ("scikit-learn",), "tabular"),
    Family("pytorch", re.compile(PYTORCH), "torch", ("torch",), "torch"),
    Family(
        "spark",
        re.compile("sagemaker-spark-processing"),
        "pyspark",
        ("pyspark",),
        "spark",
        verbs=(),
        commands=(("smspark-submit", "skylab.images.spark"),),
    ),
    Family(
        "debugger-rules",
        re.compile("sagemaker-debugger-rules"),
        "numpy",
        ("numpy",),
        "tabular",
        verbs=(),
        process="skylab.images.rules",
    ),
    _algorithm("linear-learner"),
    _algorithm("kmeans"),
    _algorithm("pca"),
    _algorithm("knn", "faiss-cpu", extra="algorithms"),
    _algorithm("randomcutforest"),
    _algorithm("lightgbm", "lightgbm", extra="algorithms"),
    _algorithm("lightgbm-classification", "lightgbm", "lightgbm-classification-model", "algorithms"),
    _algorithm("lightgbm-regression", "lightgbm", "lightgbm-regression-model", "algorithms"),
    _algorithm("forecasting-deepar", "gluonts", extra="forecast"),
]
BUILT_IN = (
    "xgboost, linear-learner, kmeans, pca, knn, randomcutforest, lightgbm-classification-model, "
    "lightgbm-regression-model, lightgbm, forecasting-deepar"
)
KNOWN = (
    "sagemaker-xgboost, xgboost, sagemaker-scikit-learn, pytorch-training, pytorch-inference, sagemaker-pytorch, "
    "sagemaker-spark-processing, sagemaker-debugger-rules, " + BUILT_IN.partition(", ")[2]
)
NOT_OFFERED = re.compile(  # AWS's other built-in algorithms
    "blazingtext|object-detection|seq2seq|ntm|lda|ipinsights|factorization-machines|object2vec|semantic-segmentation|"
    "image-classification(-neo)?|image-classification-multilabel|(catboost|tabtransformer|autogluon).*|"
    "sagemaker-rl-.*|forecasting-(?!deepar).*"
)

XGBOOST = (
    "accuracy auc aucpr balanced_accuracy f1 f1_binary f1_macro map ndcg precision precision_macro precision_micro r2 "
    "recall recall_macro recall_micro aft-nloglik cox-nloglik error gamma-deviance gamma-nloglik "
    "interval-regression-accuracy logloss mae mape merror mlogloss mphe mse poisson-nloglik rmse rmsle tweedie-nloglik"
).split()
LINEAR_LOSSES = "mse rmse absolute_loss".split()
LINEAR_SCORES = (
    "binary_classification_accuracy precision recall roc_auc_score multiclass_accuracy dcg macro_recall macro_precision"
).split()
LINEAR_VARYING = {  # what stands for \S+ is in the hyperparameters
    "binary_f_beta": r"binary_f_\S+",
    "macro_f_beta": r"macro_f_\S+",
    "multiclass_top_k_accuracy": r"multiclass_top_k_accuracy_\S+",
}
LIGHTGBM = (
    "rmse l1 l2 huber fair mape poisson quantile gamma gamma_deviance tweedie binary_logloss binary_error auc "
    "average_precision multi_logloss multi_error auc_mu cross_entropy r2"
).split()
Definitions = list[dict[str, str]]


def metrics(name: str) -> Definitions:
    """The MetricDefinitions of the family called name: those that its image has when no script is given."""
    if name == "xgboost":
        return _xgboost()
    if name == "linear-learner":
        return [*_common(), *_linear()]
    if name.startswith("lightgbm"):
        return [{"Name": each, "Regex": rf"(?<!\S){each}: ([0-9.eE+-]+)"} for each in LIGHTGBM]
    if name in OF_TEST:
        return [*_common(), *_of_test(OF_TEST[name])]
    return []


OF_TEST = {  # family -> (channel, metric, kind)
    "kmeans": [("train", "msd", "loss"), ("test", "msd", "loss"), ("test", "ssd", "loss")],
    "pca": [],
    "knn": [("test", "accuracy", "score"), ("test", "mse", "loss")],
    "randomcutforest": [("test", name, "score") for name in ("f1", "accuracy", "precision", "recall")],
    "forecasting-deepar": [
        ("test", "RMSE", "loss"),
        ("test", "mean_wQuantileLoss", "loss"),
        ("train", "final_loss", "loss"),
    ],
}


def _of_test(named: Iterable[tuple[str, str, str]]) -> Definitions:
    return [_quality(f"{channel}:{metric}", f"{channel} {metric}", kind) for channel, metric, kind in named]


def _quality(name: str, words: str, kind: str, epoch: str = "") -> dict[str, str]:
    return {"Name": name, "Regex": rf"#quality_metric: host=\S+, {epoch}{words} <{kind}>=(\S+)"}


def _common() -> Definitions:
    return [
        {"Name": "train:progress", "Regex": r"#progress_metric: host=\S+, completed (\S+) %"},
        {"Name": "train:throughput", "Regex": r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"},
    ]


def _linear() -> Definitions:
    found = []
    objective = r"\S+_objective"
    for part in ("train", "validation", "test"):
        if part == "test":
            found.append(_quality("test:objective_loss", f"test {objective}", "loss"))
        else:
            found.append(_quality(f"{part}:objective_loss", f"{part} {objective}", "loss", r"epoch=\S+, "))
            found.append(_quality(f"{part}:objective_loss:final", f"{part} {objective}", "loss"))
        found += [_quality(f"{part}:{each}", f"{part} {each}", "loss") for each in LINEAR_LOSSES]
        found += [_quality(f"{part}:{each}", f"{part} {each}", "score") for each in LINEAR_SCORES]
        found += [_quality(f"{part}:{each}", f"{part} {words}", "score") for each, words in LINEAR_VARYING.items()]
    return found


def _xgboost() -> Definitions:
    return [
        {"Name": f"{part}:{metric}", "Regex": rf".*\[[0-9]+\].*#011{part}-{metric}:{NUMBER}.*"}
        for part in ("train", "validation")
        for metric in XGBOOST
    ]

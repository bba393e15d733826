"""Training in the image's own way: channels in, rounds with their metrics in the log, xgboost-model out."""

import logging
import signal
import sys
from typing import Any

import xgboost

from skylab.images.boosting import cluster, data, hyperparameters, metrics, rounds
from skylab.images.debugging import boosted
from skylab.images.environment import Environment, cpus
from skylab.images.failures import ClientError
from skylab.images.folders import Folders

MODEL = "xgboost-model"
CHANNELS = ("train", "validation", "code")
USERS_FAULT = (  # of the errors that XGBoost raises, those that other data or hyperparameters would cure
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "Check failed: preds.size() == info.labels_.size()",
    "the dataset only contains pos or neg samples",
    "base_score must be in (0,1)",
    "label must be nonnegative",
    "label must be positive",
    "Parameter reg_lambda should be greater equal to 0",
)
log = logging.getLogger("xgboost")


def run(environment: Environment) -> None:
    """Raises ClientError for what the user can cure; anything else is an error of the framework."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="[%(asctime)s:%(levelname)s] %(message)s")
    log.info("Running XGBoost Sagemaker in algorithm mode")
    folders = environment.folders
    params = hyperparameters.validated(folders.read("hyperparameters"))
    params.setdefault("nthread", cpus())
    train, validation = _channels(folders, params)
    hosts, current = environment.hosts, environment.current_host
    if len(hosts) > 1:
        log.info("Distributed node training with %d hosts: %s", len(hosts), hosts)
        missing = train is None or (validation is None and "validation" in folders.read("inputdataconfig"))
        hosts = cluster.with_data(hosts, current, not missing)
        if current not in hosts:
            log.warning("Host %s does not have data and is not used for distributed training.", current)
            return
    elif train is None:
        raise ClientError(f"No data in training channel path {folders.channel('train')}")
    if not hosts:
        raise ClientError("No hosts received training data.")
    with cluster.meeting(hosts, current, cluster.PORT + 1) as first:
        _train(params, train, validation, folders, first)


def _channels(folders: Folders, params: dict[str, Any]) -> tuple[Any, Any]:
    """(train, validation), None for a channel without data."""
    config = folders.read("inputdataconfig")
    for name in config:
        if name not in CHANNELS:
            raise ClientError(f"Extraneous channel found: {name}")
    if "train" not in config:
        raise ClientError("Missing required channel: train")
    if any(channel.get("TrainingInputMode") == "Pipe" for channel in config.values()):
        raise ClientError("Pipe mode is no longer supported. Please use Fast File mode (default) instead.")
    kind = data.content_type(config["train"].get("ContentType"))
    weighted = params.pop("csv_weights", 0) == 1
    found = []
    for name in ("train", "validation"):
        files = data.files(folders.channel(name)) if name in config else []
        found.append(data.matrix(files, kind, weighted, params["nthread"]) if files else None)
    if found[1] is None and "validation" in config and len(folders.read("resourceconfig").get("hosts", [])) < 2:
        raise ClientError(f"No data in validation channel path {folders.channel('validation')}")
    return found[0], found[1]


def _train(params: dict[str, Any], train: Any, validation: Any, folders: Folders, first: bool) -> None:
    log.info("Train matrix has %d rows and %d columns", train.num_row(), train.num_col())
    if validation is not None:
        log.info("Validation matrix has %d rows", validation.num_row())
    for part in (train, validation):
        if part is not None:
            _check_labels(part.get_label(), params)
    plan = rounds.plan(params, folders, first, validated=validation is not None)
    save = folders.model / MODEL
    folders.model.mkdir(parents=True, exist_ok=True)
    if plan.keep_model and first:
        plan.callbacks.insert(0, rounds.Saved(save))  # before the line that tells of the round
        signal.signal(signal.SIGTERM, lambda number, frame: rounds.stop(save))
    if first and (saved := boosted.hook(folders, train, validation, plan.first_round)):
        plan.callbacks.append(saved)
    watched = [(train, "train")] + ([(validation, "validation")] if validation is not None else [])
    try:
        booster = xgboost.train(
            plan.params,
            train,
            num_boost_round=max(plan.last_round - plan.first_round, 0),
            evals=watched,
            custom_metric=metrics.evaluation(plan.own_metrics, plan.params.get("objective", "")),
            callbacks=plan.callbacks,
            xgb_model=str(plan.resumed) if plan.resumed else None,
            verbose_eval=False,
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        if any(words in str(error) for words in USERS_FAULT):
            raise ClientError(str(error).partition("\nStack trace")[0].strip()) from error
        raise
    if first:
        rounds.save(booster, save)
        log.info("Saved model to %s (%d bytes)", save, save.stat().st_size)


def _check_labels(labels: Any, params: dict[str, Any]) -> None:
    """XGBoost finds them out too, but only as a base score that cannot be."""
    objective, low, high = params.get("objective", ""), labels.min(), labels.max()
    if objective in ("binary:logistic", "binary:logitraw", "reg:logistic") and not 0 <= low <= high <= 1:
        raise ClientError("label must be in [0,1] for logistic regression")
    if objective.startswith("multi:") and not 0 <= low <= high < params["num_class"]:
        raise ClientError("label must be in [0, num_class)")
    if objective in ("count:poisson", "reg:tweedie") and low < 0:
        raise ClientError(f"{objective}: label must be nonnegative")

"""LightGBM from its channels to model.txt and labels.json, the classes in the order of their probabilities."""

import json
from typing import Any

import numpy

from skylab.images.algorithms.training import Algorithm, Work
from skylab.images.environment import cpus
from skylab.images.failures import ClientError
from skylab.images.gradient_trees import data
from skylab.images.gradient_trees.data import Table
from skylab.images.gradient_trees.hyperparameters import TABLE, classifies, of_lightgbm

MODEL, LABELS = "model.txt", "labels.json"


def fit(work: Work) -> None:
    import lightgbm

    given = work.folders.read("inputdataconfig")
    name = "training" if "training" in given else "train"
    folder = work.folders.channel(name)
    train = data.read(folder)
    held = data.read(work.folders.channel("validation")) if "validation" in given else None
    train, held = (train, held) if held is not None else data.parted(train)
    classes = numpy.unique(train.labels) if classifies(work.image, work.values) else None
    if classes is not None and not 2 <= len(classes) <= len(train.labels) // 2:
        raise ClientError(f"The first column has {len(classes)} different labels, which are no classes.")
    params = of_lightgbm(work.values, 0 if classes is None else len(classes), cpus())
    categories = data.categories(folder, train.features.shape[1])
    sets = [_dataset(each, classes, categories) for each in (train, held)]
    try:
        booster = lightgbm.train(
            params,
            sets[0],
            num_boost_round=work.values["num_boost_round"],
            valid_sets=[sets[1]],
            valid_names=["valid_0"],
            callbacks=_callbacks(work.values),
        )
    except lightgbm.basic.LightGBMError as error:
        raise ClientError(str(error)) from error
    booster.save_model(str(work.model.with_name(MODEL)))
    labels = None if classes is None else [int(each) if each == int(each) else float(each) for each in classes]
    work.model.with_name(LABELS).write_text(json.dumps(labels))


def _dataset(table: Table, classes: Any, categories: list[int]) -> Any:
    import lightgbm

    labels = table.labels
    if classes is not None:
        if not numpy.isin(labels, classes).all():
            raise ClientError("The data of channel 'validation' has a label that channel 'train' has not.")
        labels = numpy.searchsorted(classes, labels)
    return lightgbm.Dataset(table.features, labels, categorical_feature=categories, free_raw_data=False)


def _callbacks(values: dict[str, Any]) -> list[Any]:
    import lightgbm

    rounds, several = values["early_stopping_rounds"], [_told]
    if rounds > 0 and values["boosting"] != "dart":  # which forgets its trees
        several.append(lightgbm.early_stopping(rounds, verbose=True))
    return several


def _told(env: Any) -> None:
    """The line that the documented metric definitions read."""
    scores = "\t".join(f"{part}'s {name}: {value:g}" for part, name, value, *_ in env.evaluation_result_list)
    print(f"[{env.iteration + 1}]\t{scores}", flush=True)


ALGORITHM = Algorithm(
    "LightGBM", TABLE, ("train", "training", "validation"), fit, own_data=True, train_names=("train", "training")
)

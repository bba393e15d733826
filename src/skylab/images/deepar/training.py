"""DeepAR from its channels to its model; the epoch with the least loss is kept."""

import logging
import tempfile
import time
from typing import Any

import numpy

from skylab.images.algorithms.told import Told
from skylab.images.algorithms.training import Algorithm, Work
from skylab.images.deepar import series
from skylab.images.deepar.hyperparameters import TABLE
from skylab.images.deepar.series import Form, Series
from skylab.images.failures import ClientError

MEASURES = ("RMSE", "mean_wQuantileLoss")  # which tuning jobs may ask for


def fit(work: Work) -> None:
    from skylab.images.deepar import network

    values = work.values
    raw = series.read(work.folders.channel("train"))
    form = series.form(raw, values)
    train = [each for each in series.made(raw, form, "train") if len(each["target"])]
    _check(train, values)
    with_test = "test" in work.folders.read("inputdataconfig")
    test = series.made(series.read(work.folders.channel("test")), form, "test") if with_test else []
    predictor, weights = _trained(train, values, form, work.told)
    if test:
        _report(work, predictor, test)
    network.save(work.model, weights, values, form)


def _check(train: list[Series], values: dict[str, Any]) -> None:
    """Raises ClientError."""
    if all(len(each["target"]) <= values["prediction_length"] for each in train):
        raise ClientError("No time series of channel 'train' is longer than prediction_length.")
    known = numpy.concatenate([each["target"] for each in train])
    known = known[~numpy.isnan(known)]
    if not len(known):
        raise ClientError("All values of channel 'train' are missing.")
    if values["likelihood"] == "negative-binomial" and (known.min() < 0 or (known != known.round()).any()):
        raise ClientError("The likelihood negative-binomial is for counts: integers that are not negative.")
    if values["likelihood"] == "beta" and not 0 < known.min() <= known.max() < 1:
        raise ClientError("The likelihood beta is for values between 0 and 1, without the bounds.")


def _trained(train: list[Series], values: dict[str, Any], form: Form, told: Told) -> tuple[Any, dict[str, Any]]:
    """(predictor, weights)"""
    import lightning.pytorch as lightning
    import torch

    from skylab.images.deepar import network

    network.quiet()
    torch.set_num_threads(1)  # an LSTM's steps are too small to share: two threads are ten times as slow
    torch.manual_seed(0)
    numpy.random.seed(0)  # GluonTS draws windows from it
    for name in ("lightning.pytorch", "lightning.fabric", "gluonts"):
        logging.getLogger(name).setLevel(logging.ERROR)
    steps = values["context_length"] + values["prediction_length"]
    windows = sum(len(each["target"]) for each in train) // steps
    follow = _followed(lightning.Callback, values, told, len(train))
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
        made = network.estimator(values, form, windows, default_root_dir=folder, callbacks=[follow], **quiet)
        output = made.train_model(train)
    told.say(f"Final loss: {follow.best} (occurred at epoch {follow.best_epoch})")
    told.quality("train", "final_loss", follow.best)
    return output.predictor, output.trained_net.state_dict()


def _followed(callback: type, values: dict[str, Any], told: Told, records: int) -> Any:
    """A callback of Lightning's that tells each epoch's loss and stops when none has been better for a while."""

    def after_epoch(self: Any, trainer: Any, module: Any) -> None:
        loss, number = float(trainer.callback_metrics["train_loss"]), trainer.current_epoch
        told.epoch(number, "train", "loss", loss)
        told.progress(number + 1, values["epochs"])
        told.throughput(records, self.began)
        self.began = time.monotonic()
        if loss < self.best:
            self.best, self.best_epoch = loss, number
        patience = values["early_stopping_patience"]
        trainer.should_stop = patience is not None and number - self.best_epoch >= patience

    members = {"best": float("inf"), "best_epoch": -1, "began": time.monotonic(), "on_train_epoch_end": after_epoch}
    return type("Followed", (callback,), members)()


def _report(work: Work, predictor: Any, test: list[Series]) -> None:
    from skylab.images.deepar import forecasts

    known, truth = forecasts.held_back(test, work.values["prediction_length"])
    if not known or numpy.isnan(truth).all():
        raise ClientError("No time series of channel 'test' is longer than prediction_length.")
    drawn = forecasts.samples(predictor, known, work.values["num_eval_samples"])
    found = forecasts.scores(drawn, truth, work.values["test_quantiles"])
    for name, value in found.items():
        work.told.say(f"#test_score ({work.told.host}, {name}): {value}")
    for name in MEASURES:
        work.told.quality("test", name, found[name])


ALGORITHM = Algorithm("AWS/DeepAR", TABLE, ("train", "test"), fit, own_data=True)

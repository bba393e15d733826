"""The way every built-in algorithm trains: hyperparameters, channels, the hosts' shards, the algorithm, its model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skylab.images.algorithms import channels, gathering, hyperparameters, told
from skylab.images.algorithms.channels import Rows
from skylab.images.environment import Environment
from skylab.images.failures import ClientError
from skylab.images.folders import Folders

MODEL = "model_algo-1"
VALIDATED = "Failed to validate input data configuration. (caused by ValidationError)\n\nCaused by: "


@dataclass(frozen=True)
class Work:
    """What an algorithm gets to train with. tuned: whether a tuning job asks. image: the name of its image."""

    values: dict[str, Any]
    rows: dict[str, Rows]
    model: Path
    told: told.Told
    tuned: bool
    folders: Folders
    image: str

    @property
    def train(self) -> Rows:
        return self.rows["train"]


@dataclass(frozen=True)
class Algorithm:
    """title: as its log names it. own_data: it reads its channels itself, on one host.

    labelled: every channel must have labels. train_names: one of these channels must be there.
    """

    title: str
    table: hyperparameters.Table
    channels: tuple[str, ...]
    fit: Callable[[Work], None]
    own_data: bool = False
    labelled: bool = False
    train_names: tuple[str, ...] = ("train",)


def run(environment: Environment, algorithm: Algorithm, image: str) -> None:
    """Raises ClientError for what the user can cure; anything else is an error of the algorithm."""
    began, folders = time.monotonic(), environment.folders
    given = folders.read("hyperparameters")
    say = told.Told(environment.current_host)
    defaults = {name: each.default for name, each in algorithm.table.items() if each.default is not None}
    say.say(f"Reading default configuration: {defaults}")
    say.say(f"Merging with provided configuration from {folders.config}/hyperparameters.json: {given}")
    say.say(f"Final configuration: {defaults | given}")
    values = hyperparameters.validated(algorithm.table, given)
    _check_channels(algorithm, folders, len(environment.hosts))
    if algorithm.own_data and environment.current_host != environment.hosts[0]:
        say.say(f"{say.host} leaves the training to {environment.hosts[0]}, which has the same data.")
        return
    rows = {} if algorithm.own_data else _rows(environment, algorithm, values.get("feature_dim"))
    if rows is None:
        say.say(f"{say.host} has sent its data to {environment.hosts[0]}, which trains.")
        return
    folders.model.mkdir(parents=True, exist_ok=True)
    tuned = bool(given.get(hyperparameters.TUNED))
    algorithm.fit(Work(values, rows, folders.model / MODEL, say, tuned, folders, image))
    say.metrics(algorithm.title, {"totaltime": 1000 * (time.monotonic() - began)})


def _check_channels(algorithm: Algorithm, folders: Folders, hosts: int) -> None:
    """Raises ClientError, as the images word what their schema of channels does not allow."""
    config = folders.read("inputdataconfig")
    for name in config:
        if name not in algorithm.channels:
            raise ClientError(f"{VALIDATED}Additional properties are not allowed ('{name}' was unexpected)")
    if not any(name in config for name in algorithm.train_names):
        raise ClientError(f"{VALIDATED}'{algorithm.train_names[0]}' is a required property")
    if algorithm.own_data and any(channel.get("TrainingInputMode") == "Pipe" for channel in config.values()):
        raise ClientError(f"{VALIDATED}'Pipe' is not one of ['File', 'FastFile']")
    sharded = any(channel.get("S3DistributionType") == "ShardedByS3Key" for channel in config.values())
    if algorithm.own_data and hosts > 1 and sharded:
        raise ClientError(f"{algorithm.title} trains on one instance here: its channels must be FullyReplicated.")


def _rows(environment: Environment, algorithm: Algorithm, width: int | None) -> dict[str, Rows] | None:
    """None on a host that has handed its rows over."""
    config, hosts = environment.folders.read("inputdataconfig"), environment.hosts
    rows = {name: channels.read(environment.folders, name, width) for name in config}
    for name, each in rows.items():
        if each.labels is None and algorithm.labelled:
            raise ClientError(f"The data of channel '{name}' has no labels.")
        if each.width != rows["train"].width:
            raise ClientError(f"Channel '{name}' has {each.width} features and channel 'train' {rows['train'].width}.")
    if len(hosts) == 1:
        return rows
    sharded = [name for name in rows if config[name].get("S3DistributionType") == "ShardedByS3Key"]
    joined = gathering.collected(hosts, environment.current_host, {name: rows[name] for name in sharded})
    return None if joined is None else rows | joined

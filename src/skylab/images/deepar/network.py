"""GluonTS' estimator as our hyperparameters make it; a trained one written and read: numbers and JSON, no pickle."""

import io
import json
import warnings
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from gluonts.torch.distributions import (
    AffineTransformed,
    BetaOutput,
    DistributionOutput,
    NegativeBinomialOutput,
    NormalOutput,
    StudentTOutput,
)
from gluonts.torch.model.deepar import DeepAREstimator

from skylab.images.deepar.series import Form

HYPERPARAMETERS, WEIGHTS = "hyperparameters.json", "weights.pt"
FEWEST = 10  # mini-batches of an epoch


class Point(torch.distributions.Laplace):
    """A forecast without a spread: its log-density is the absolute error, its samples are its mean."""

    def sample(self, sample_shape: Any = ()) -> Any:
        return self.loc.expand(torch.Size(sample_shape) + self.loc.shape)

    rsample = sample


class PointOutput(DistributionOutput):
    """deterministic-L1"""

    distr_cls = Point
    args_dim = {"loc": 1}

    @classmethod
    def domain_map(cls, loc: Any) -> tuple[Any]:
        return (loc.squeeze(-1),)

    def distribution(self, distr_args: Any, loc: Any = None, scale: Any = None) -> Any:
        point = Point(distr_args[0], torch.ones_like(distr_args[0]), validate_args=False)
        return point if scale is None else AffineTransformed(point, loc=loc, scale=scale)

    @property
    def event_shape(self) -> tuple[int, ...]:
        return ()


OUTPUTS = {
    "student-T": StudentTOutput,
    "gaussian": NormalOutput,
    "beta": BetaOutput,
    "negative-binomial": NegativeBinomialOutput,
    "deterministic-L1": PointOutput,
}


def quiet() -> None:
    """GluonTS 0.17 does what PyTorch and pandas warn of, some of it at every step; Lightning gives advice."""
    from lightning.fabric.utilities.warnings import PossibleUserWarning

    warnings.filterwarnings("ignore", "Using a non-tuple sequence for multidimensional indexing")
    warnings.filterwarnings("ignore", "'M' is deprecated", FutureWarning)
    warnings.filterwarnings("ignore", category=PossibleUserWarning)
    warnings.filterwarnings("ignore", module=r"lightning\.")


def estimator(values: dict[str, Any], form: Form, windows: int, **trainer: Any) -> Any:
    """windows: of context and prediction that the data hold. trainer: options of Lightning's."""
    return DeepAREstimator(
        freq=form.frequency,
        prediction_length=values["prediction_length"],
        context_length=values["context_length"],
        num_layers=values["num_layers"],
        hidden_size=values["num_cells"],
        lr=values["learning_rate"],
        dropout_rate=values["dropout_rate"],
        num_feat_dynamic_real=form.dynamic,
        num_feat_static_cat=len(form.cardinality),
        cardinality=list(form.cardinality) or None,
        embedding_dimension=[values["embedding_dimension"]] * len(form.cardinality) or None,
        distr_output=OUTPUTS[values["likelihood"]](),
        scaling=values["likelihood"] != "beta",  # it is between 0 and 1 already
        num_parallel_samples=values["num_eval_samples"],
        batch_size=values["mini_batch_size"],
        num_batches_per_epoch=max(FEWEST, -(-windows // values["mini_batch_size"])),
        trainer_kwargs={"max_epochs": values["epochs"], **trainer},
    )


def save(path: Path, weights: dict[str, Any], values: dict[str, Any], form: Form) -> None:
    kept = io.BytesIO()
    torch.save(weights, kept)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(HYPERPARAMETERS, json.dumps({"values": values, "form": asdict(form)}))
        packed.writestr(WEIGHTS, kept.getvalue())


def load(path: Path) -> tuple[Any, dict[str, Any], Form]:
    """(predictor, hyperparameters, form). Raises OSError, ValueError, KeyError, RuntimeError or BadZipFile."""
    quiet()
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
        told = json.loads(packed.read(HYPERPARAMETERS))
        weights = torch.load(io.BytesIO(packed.read(WEIGHTS)), weights_only=True)
    form = Form(told["form"]["frequency"], tuple(told["form"]["cardinality"]), told["form"]["dynamic"])
    made = estimator(told["values"], form, 1)
    module = made.create_lightning_module()
    module.load_state_dict(weights)
    return made.create_predictor(made.create_transformation(), module.eval()), told["values"], form

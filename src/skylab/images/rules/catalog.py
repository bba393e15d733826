"""Which rules there are, by AWS's names, and what their parameters mean: strings in a request, types in a signature."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from skylab.images.profiling import findings, watching
from skylab.images.rules import activations, gradients, inputs, labels, losses, stalled, tensors, trees
from skylab.images.rules.series import Findings

Rule = Callable[..., Findings]
RULES: dict[str, Rule] = {
    "VanishingGradient": gradients.vanishing_gradient,
    "ExplodingTensor": gradients.exploding_tensor,
    "WeightUpdateRatio": gradients.weight_update_ratio,
    "PoorWeightInitialization": gradients.poor_weight_initialization,
    "SaturatedActivation": activations.saturated_activation,
    "DeadRelu": activations.dead_relu,
    "AllZero": tensors.all_zero,
    "UnchangedTensor": tensors.unchanged_tensor,
    "TensorVariance": tensors.tensor_variance,
    "SimilarAcrossRuns": tensors.similar_across_runs,
    "LossNotDecreasing": losses.loss_not_decreasing,
    "Overfit": losses.overfit,
    "Overtraining": losses.overtraining,
    "ClassImbalance": labels.class_imbalance,
    "Confusion": labels.confusion,
    "CheckInputImages": inputs.check_input_images,
    "NLPSequenceRatio": inputs.nlp_sequence_ratio,
    "TreeDepth": trees.tree_depth,
    "FeatureImportanceOverweight": trees.feature_importance_overweight,
    "StalledTrainingRule": stalled.stalled_training,
}
PROFILER_RULES: dict[str, Callable[..., Any]] = {watching.REPORT: watching.evaluated, **findings.RULES}
NAMED = {"AllZero", "UnchangedTensor", "TensorVariance"}  # must be told which tensors
NOT_PARAMETERS = {"rule_to_invoke", "action_json", "base_trial", "training_job_name"}


def parameters(rule: str, told: Mapping[str, str]) -> dict[str, Any]:
    """What a rule's function is to be called with. Raises ValueError in a sentence, for what it does not know."""
    if rule == watching.REPORT:
        return _of_report(told)
    types = _types(RULES.get(rule) or PROFILER_RULES[rule])
    found: dict[str, Any] = {}
    for name, text in told.items():
        if name in NOT_PARAMETERS or name.startswith("other_trial"):
            continue
        if name not in types:
            raise ValueError(f"{rule} has no parameter {name}. It has: {', '.join(types)}.")
        word, type = types[name]
        try:
            found[word] = _read(text, type)
        except ValueError:
            raise ValueError(f"{rule}: {text!r} is no value for {name}.") from None
    if rule in NAMED and not (found.get("collection_names") or found.get("tensor_regex")):
        raise ValueError(f"{rule} needs collection_names or tensor_regex.")
    if rule == "SimilarAcrossRuns" and not others(told):
        raise ValueError("SimilarAcrossRuns needs another trial: other_trials_s3_input_paths.")
    return found


def _of_report(told: Mapping[str, str]) -> dict[str, Any]:
    """By the rules that the report has sections of: CPUBottleneck_threshold, in whatever case."""
    names = {name.lower(): name for name in findings.RULES}
    found: dict[str, dict[str, str]] = {}
    for key, text in told.items():
        rule, _, parameter = key.partition("_")
        if key in NOT_PARAMETERS:
            continue
        if rule.lower() not in names:
            raise ValueError(f"{watching.REPORT}: {key} names none of {', '.join(findings.RULES)}.")
        found.setdefault(names[rule.lower()], {})[parameter.lower()] = text
    return {name: parameters(name, given) for name, given in found.items()}


def others(told: Mapping[str, str]) -> list[str]:
    """The S3 URIs of the runs to compare with: other_trial, other_trials, other_trial_0, …"""
    named = [told[name] for name in sorted(told) if name.startswith("other_trial")]
    return [uri.strip() for text in named for uri in text.split(",") if uri.strip()]


@cache
def _types(rule: Callable[..., Any]) -> dict[str, tuple[str, Any]]:
    """By AWS's name: ours, and its type. A name that Python needs for itself ends in _ here."""
    hints = get_type_hints(rule)
    names = [name for name in inspect.signature(rule).parameters if name not in ("steps", "others", "profile")]
    return {name.removesuffix("_"): (name, hints[name]) for name in names}


def _read(text: str, type: Any) -> Any:
    if get_origin(type) in (Union, UnionType):
        if text in ("", "None"):
            return None
        type = next(each for each in get_args(type) if each is not NoneType)
    if type is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError
        return text.lower() == "true"
    if type in (int, float, str):
        return type(text)
    return [word for word in (word.strip(" []'\"") for word in text.split(",")) if word]


NoneType = type(None)

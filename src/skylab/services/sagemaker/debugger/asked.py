"""Debugger's part of CreateTrainingJob: what is taken, with its defaults, and what is refused by name."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from skylab.images.debugging import configuration
from skylab.services.sagemaker import records
from skylab.services.sagemaker.jobs.runtimes import Runtime
from skylab.wire.errors import invalid

IMAGE = "sagemaker-debugger-rules"
INTERVALS = (100, 200, 500, 1000, 5000, 60000)
KINDS = {"Debug": "DebugRuleEvaluationStatuses", "Profiler": "ProfilerRuleEvaluationStatuses"}
OUTPUT = "/opt/ml/output/"
RULE_OUTPUT = "/opt/ml/processing/output/rule/"


def document(request: Mapping[str, Any], now: datetime, runtime: Runtime, scripted: bool) -> dict[str, Any]:
    """The members that Describe shows of it. Raises AwsError."""
    doc: dict[str, Any] = {}
    if hook := request.get("DebugHookConfig"):
        _check_hook(hook, runtime, scripted)
    for member in ("DebugHookConfig", "TensorBoardOutputConfig"):
        local = request.get(member, {}).get("LocalPath", OUTPUT)
        if not f"{local}/".startswith(OUTPUT) or ".." in local.split("/"):
            raise invalid(f"{member}.LocalPath must be a folder in {OUTPUT} here.")
    if given := request.get("ProfilerConfig"):
        doc |= profiler({"ProfilerConfig": {}}, given)
    rules = {kind: request.get(f"{kind}RuleConfigurations", []) for kind in KINDS}
    _check_names([rule["RuleConfigurationName"] for each in rules.values() for rule in each])
    for kind, each in rules.items():
        for rule in each:
            _check_rule(kind, rule, request)
        if each:
            doc[KINDS[kind]] = [status(rule["RuleConfigurationName"], "InProgress", now) for rule in each]
    return doc


def status(name: str, word: str, now: datetime, **more: Any) -> dict[str, Any]:
    return {"RuleConfigurationName": name, "RuleEvaluationStatus": word, "LastModifiedTime": now} | more


def uris(doc: Mapping[str, Any]) -> Iterator[str]:
    """Of everything in S3 that is written here."""
    for member in ("DebugHookConfig", "ProfilerConfig", "TensorBoardOutputConfig"):
        if uri := doc.get(member, {}).get("S3OutputPath"):
            yield uri
    for kind in KINDS:
        yield from (rule["S3OutputPath"] for rule in doc.get(f"{kind}RuleConfigurations", []) if "S3OutputPath" in rule)


def profiler(doc: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The members that an update of ProfilerConfig changes. Raises AwsError."""
    config = check_profiler({**doc.get("ProfilerConfig", {}), **change})
    return {"ProfilerConfig": config, "ProfilingStatus": "Disabled" if config["DisableProfiler"] else "Enabled"}


def check_profiler(given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises AwsError. AWS profiles frameworks no more either, since PyTorch 2.0 and TensorFlow 2.11."""
    records.refuse(given, ("ProfilingParameters",))
    interval = given.get("ProfilingIntervalInMilliseconds", 500)
    if interval not in INTERVALS:
        raise invalid(f"ProfilingIntervalInMilliseconds must be one of {', '.join(map(str, INTERVALS))}.")
    return {"ProfilingIntervalInMilliseconds": interval, "DisableProfiler": False, **given}


def _check_hook(hook: Mapping[str, Any], runtime: Runtime, scripted: bool) -> None:
    if not configuration.asked(hook):
        return
    if not (runtime.name == "pytorch" or runtime.name == "xgboost" and not scripted):
        raise invalid(
            "DebugHookConfig: tensors are saved of PyTorch and of the built-in XGBoost here, not of "
            f"{runtime.name}{' in script mode' if scripted else ''}."
        )
    _check_names([each.get("CollectionName", "") for each in hook.get("CollectionConfigurations", [])])
    try:
        configuration.check(hook)
    except (ValueError, KeyError) as problem:
        raise invalid(f"DebugHookConfig: {problem}") from None


def _check_names(names: list[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise invalid(f"The names of rules and of collections must be unique: {twice[0]}.")


def _check_rule(kind: str, rule: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    from skylab.images.rules import actions, catalog  # numpy: a tenth of a second that only such jobs pay

    name, told = rule["RuleConfigurationName"], rule.get("RuleParameters", {})
    if IMAGE not in rule["RuleEvaluatorImage"]:
        raise invalid(f"Rule {name}: rules of your own are not offered, only those of the image {IMAGE}.")
    if not f"{rule.get('LocalPath', RULE_OUTPUT).rstrip('/')}/".startswith(RULE_OUTPUT):
        raise invalid(f"Rule {name}: LocalPath must be a folder in {RULE_OUTPUT} here.")
    invoked = told.get("rule_to_invoke", "")
    known = catalog.RULES if kind == "Debug" else catalog.PROFILER_RULES
    if invoked not in known:
        raise invalid(f"Rule {name}: rule_to_invoke {invoked} is not offered. Offered: {', '.join(known)}.")
    source = "DebugHookConfig" if kind == "Debug" else "ProfilerConfig"
    if not request.get(source, {}).get("S3OutputPath") or request[source].get("DisableProfiler"):
        raise invalid(f"Rule {name}: {source} with an S3OutputPath is required, since its rules look at what is there.")
    try:
        catalog.parameters(invoked, told)
        for action in actions.read(told):
            if action["name"] in actions.MESSAGES:
                raise ValueError(f"the action {action['name']} needs Amazon SNS, which is not offered yet.")
    except ValueError as problem:
        raise invalid(f"Rule {name}: {problem}") from None

"""What a run says of itself: its lines of progress, and what it reached."""

from __future__ import annotations

from typing import Any

import evaluate
from botocore.exceptions import BotoCoreError, ClientError
from execution import Step
from rich.console import Console
from rich.table import Table
from serving import Endpoint

TITLES = {"logistic": "logistic regression", "xgboost": "XGBoost, tuned", "approved": "approved before"}
# US dollars per instance hour; training, processing and real-time inference alike. Storage and requests not counted.
PRICES = {"ml.m5.large": 0.115, "ml.m5.xlarge": 0.23, "ml.m5.2xlarge": 0.461, "ml.c5.xlarge": 0.204}
PRICED = (
    "at AWS's prices for the seconds measured here (on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing "
    "as quoted on 2026-11-23)"
)


def line(mark: str, name: str, seconds: float, said: str) -> str:
    return f"{mark} {name:18} {seconds:6.1f} s  {said}".rstrip()


def outcome(step: Step) -> str:
    """What a step has come to, in a few words."""
    if step.reason:
        return step.reason
    if "Condition" in step.metadata:
        return {"True": "yes", "False": "no"}.get(step.metadata["Condition"]["Outcome"], "")
    if "RegisterModel" in step.metadata:
        return "version " + step.metadata["RegisterModel"]["Arn"].rsplit("/", 1)[1]
    if "TuningJob" in step.metadata:
        best, counts = step.job["BestTrainingJob"], step.job["TrainingJobStatusCounters"]
        objective = best["FinalHyperParameterTuningJobObjectiveMetric"]
        early = f", {counts['Stopped']} stopped early" if counts["Stopped"] else ""
        return f"{counts['Completed']} jobs completed{early}; best {objective['MetricName']} {objective['Value']:.4f}"
    if "TrainingJob" in step.metadata:
        rules = step.job.get("DebugRuleEvaluationStatuses", [])
        watched = ", ".join(f"{rule['RuleConfigurationName']}: {rule['RuleEvaluationStatus']}" for rule in rules)
        return f"Debugger {watched}" if watched else ""
    if step.job:
        return f"{step.job['ProcessingResources']['ClusterConfig']['InstanceCount']} instances".replace(
            "1 instances", ""
        )
    return ""


def compared(found: dict[str, Any]) -> str:
    """The shadow beside the serving version, as their captured answers have it."""
    counts = " and ".join(f"{count} of {name}" for name, count in found["answered"].items())
    counts = f"of {found['requests']} requests about {found['people']} people {counts}"
    if "report" not in found:
        return f"{counts} captured, too few to compare"
    values = ", ".join(f"{name} {model['auc']['value']:.3f}" for name, model in found["report"]["models"].items())
    (low, high), value = found["difference"]["interval"], found["difference"]["value"]
    return (
        f"{counts} captured; AUC on what became of them: {values}, difference {value:+.3f} "
        f"({low:+.3f} to {high:+.3f}); answers {found['apart']:.3f} apart"
    )


def cells(report: dict[str, Any], metric: str, digits: int) -> list[str]:
    """A metric of every model with its interval."""
    facts = [model[metric] for model in report["models"].values()]
    return [f"{f['value']:.{digits}f} ({f['interval'][0]:.{digits}f} to {f['interval'][1]:.{digits}f})" for f in facts]


def tested(report: dict[str, Any]) -> str:
    """What the models were judged on."""
    rows, people = report["rows"], report["people"]
    return f"{rows:,} rows of {people:,} people not seen in training or tuning, {report['positive']:.1%} positive"


def gap(found: dict[str, Any]) -> str:
    """A difference, and what follows from it."""
    low, high = found["interval"]
    return f"{found['of']}: {found['value']:+.4f} ({low:+.4f} to {high:+.4f}); {found['verdict']}"


def dollars(found: dict[str, Any]) -> float | None:
    """What the jobs would cost on AWS if they took the same seconds there; None of an instance without a price here."""
    price = PRICES.get(found["instance"])
    return None if price is None else round(sum(found["seconds"].values()) / 3600 * price, 4)


def cost(found: dict[str, Any]) -> str:
    """The same as a sentence."""
    used = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found["seconds"].items())
    used = f"{used} of {found['instance']}" if used else "nothing: all cached"
    jobs = dollars(found)
    if jobs is None:
        return f"jobs took {used}, whose list price is not in our table"
    stays = f" and ${PRICES[found['instance']]:.3f} an hour of endpoint" if "endpoint" in found else ""
    return f"${jobs:.4f} of jobs ({used}){stays}, {PRICED}"


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was reached, the answer, the cost, and what to try next."""
    report = found["report"]
    table = Table(title=f"\n{tested(report)}", title_justify="left")
    for column in ("", *(TITLES[kind] for kind in report["models"])):
        table.add_column(column)
    for metric in evaluate.METRICS:
        table.add_row(metric, *cells(report, metric, 3))
    console.print(table)
    console.print(f"Beside the floor, {gap(report['differences']['xgboost'])}.")
    if against := report.get("against approved"):
        console.print(f"Beside the approved version, {gap(against['xgboost'])}.")
    rules = ", ".join(f"{name}: {status}" for name, status in found["rules"].items())
    console.print(f"Gate: {report['gate']['reason']}. Debugger: {rules}. {found['serves']} serves.\n")
    asked = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in found["sample"].items())
    console.print(f"{asked}\n-> {found['answer']:.4f} is the endpoint's probability.\n")
    console.print(f"On AWS: {cost(found)}.\n")
    if not found["deleted"]:
        console.print(f"Endpoint {found['endpoint']} is up. Ask it about somebody else:")
        console.print(f"  {found['hint']}", soft_wrap=True, markup=False)


def left(endpoint: Endpoint, console: Console) -> None:
    """Print what a run leaves up that did not come to its end."""
    away = f"`aws sagemaker delete-endpoint --endpoint-name {endpoint.name}` removes it"
    try:
        if endpoint.exists():
            console.print(f"Endpoint {endpoint.name} is up; {away}.", soft_wrap=True)
    except (BotoCoreError, ClientError) as error:
        console.print(f"Endpoint {endpoint.name} may be up; {away}: {error}", soft_wrap=True, markup=False)

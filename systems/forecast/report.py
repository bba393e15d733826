"""Say what a run reached: on the screen, and as a part of RESULTS.md with the plot beside it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PRICES = {"ml.m5.large": 0.115, "ml.m5.xlarge": 0.23}  # US dollars per instance hour
PRICES_FROM = "list prices on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing as quoted on 2026-11-23"
TARGETS = (  # group, measure, what a good system reaches, published figures beside it
    ("m4-weekly", "owa", 0.76, "M4: .739 and .751 the best two of the 59 methods with an OWA, .851 winner, 1 Naive2"),
    ("m3-quarterly", "smape", 9.0, "M3: Theta 8.96, best of 24; Naive2 9.95"),
    ("m3-yearly", "smape", 16.9, "M3: RBF 16.42, Theta 16.97, Naive2 17.88"),
    ("m1-monthly", "mase", 1.10, "Chronos-T5-large 1.089, Chronos-Bolt-base 1.100, seasonal naive 1.314"),
)
WRITTEN = (":!RESULTS.md", ":!*.svg")
REMOVAL = "`skylab exec -- aws sagemaker delete-endpoint --endpoint-name forecast-ensemble` deletes it"
if "AWS_ENDPOINT_URL" not in os.environ:
    REMOVAL = REMOVAL.replace("skylab exec -- ", "")


def shown(fact: dict[str, Any], digits: int = 3) -> str:
    low, high = fact["interval"]
    return f"{fact['value']:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def line(evaluation: dict[str, Any]) -> str:
    """OWA of the ensemble by group, in one line."""
    said = [f"{group} {report['models']['ensemble']['owa']['value']:.3f}" for group, report in evaluation.items()]
    return "OWA of the ensemble: " + ", ".join(said)


def quality(cleaning: dict[str, Any], truth: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Recall and precision of the outliers that the simulator made before the split."""
    found = {}
    for group, facts in cleaning.items():
        source = group.rpartition("-")[0]
        first = facts["first"]
        seen = {(each["series"], t - first) for each in facts["series"] for t in each["at"]}
        made = {(f"{source}-{row:05d}", t) for row, t in truth[source]["outliers"] if t < facts["length"]}
        hit = len(seen & made)
        found[group] = {"recall": hit / max(len(made), 1), "precision": hit / max(len(seen), 1), "made": len(made)}
    return found


def commit(folder: Path) -> str:
    """What is checked out, and whether this system's code was changed since; what its commands write is none."""
    try:
        short, changed = (
            subprocess.run(["git", *argv], cwd=folder, capture_output=True, text=True).stdout.strip()
            for argv in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", *WRITTEN])
        )
    except OSError:  # there is no git here
        return "unknown"
    return f"{short or 'unknown'}{'-dirty' if changed else ''}"


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was reached, and what to try next."""
    for group, report in found["evaluation"].items():
        table = Table(
            title=f"{group}: {report['series']:,} series, {report['horizon']} steps ahead", title_justify="left"
        )
        for column in ("", "series", "sMAPE", "MASE", "OWA", "CPU s / 1,000 forecasts"):
            table.add_column(column, justify="right" if column else "left")
        for name, model in ordered(report):
            numbers = [f"{model[key]['value']:.3f}" for key in ("smape", "mase", "owa")]
            table.add_row(name, f"{model['series']:,}", *numbers, f"{model['cost']:.1f}")
        console.print(table)
        console.print(f"Ensemble: {ensemble(report)}.")
        console.print(f"Less {report['best']}, its best member: {shown(report['difference'])} OWA.\n")
    for text in [*targets(found["evaluation"]), *compared(found["pooled"])]:
        console.print(text)
    console.print(f"\n{found['seconds']:.0f} s in all. {cost(found)}.")
    if not found["deleted"]:
        console.print(f"Endpoint {found['endpoint']} is up; {REMOVAL}, the next run updates it.", soft_wrap=True)
    again = os.environ.get("RUN_AS") or f"{sys.executable} {sys.argv[0]}"
    console.print(f"On the competitions: {again} --data FOLDER", soft_wrap=True)


def ordered(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """By OWA; those that were judged on some of the series come last, without a rank."""
    few = {name: model.get("series", report["series"]) < report["series"] for name, model in report["models"].items()}
    return sorted(report["models"].items(), key=lambda each: (few[each[0]], each[1]["owa"]["value"]))


def ensemble(report: dict[str, Any]) -> str:
    weights = report["chosen"]["weights"]
    how = report["chosen"]["how"]
    named = ", ".join(f"{name} {weight:.2f}" if how == "weighted" else name for name, weight in weights.items())
    return f"{how} of {named}"


def targets(evaluation: dict[str, Any]) -> list[str]:
    """A sentence for each figure that was to be reached, where its group was judged."""
    said = []
    for group, measure, wanted, published in TARGETS:
        if group in evaluation:
            fact = evaluation[group]["models"]["ensemble"][measure]
            verdict = "reached" if fact["value"] <= wanted else "not reached"
            if fact["interval"][0] <= wanted <= fact["interval"][1]:
                verdict += ", though its interval holds the bound: so many series do not tell the two apart"
            said.append(f"{group} {measure} {shown(fact)}; wanted at most {wanted}: {verdict}. {published}.")
    return said


def dollars(found: dict[str, Any]) -> float | None:
    """What the seconds that the run's jobs were billed would cost on AWS."""
    return float(found["billed"] / 3600 * PRICES[found["instance"]]) if found["instance"] in PRICES else None


def members_seconds(found: dict[str, Any]) -> float:
    return float(sum(sum(facts["seconds"].values()) for facts in found["members"].values()))


def cost(found: dict[str, Any]) -> str:
    """The same in words."""
    said, price = f"The members took {members_seconds(found):.0f} CPU seconds", dollars(found)
    said += f". All jobs of the run, from preparation to batch transform, were billed {found['billed']:.0f} s"
    if price is None:
        return f"{said}; the price of {found['instance']} is not in our table"
    said += f", ${price:.3f} of {found['instance']} ({PRICES_FROM}), the endpoint not counted. On one machine "
    return f"{said}they share its cores and take longer than on AWS, where each has an instance of its own"


def compared(pooled: dict[str, Any]) -> list[str]:
    """The ensemble against its best member over all series together, in sentences."""
    said = [
        f"less {pooled['best']}, the member that is best over all: {noise(pooled['difference'])}",
        f"less the member that is best in hindsight in each group by itself: {noise(pooled['difference_bests'])}",
        f"less the floor, the seasonal naive forecast: {noise(pooled['difference_floor'])}",
    ]
    return [f"Ensemble {text}." for text in said]


def noise(difference: dict[str, Any]) -> str:
    low, high = difference["interval"]
    verdict = "better beyond noise" if high < 0 else "worse beyond noise" if low > 0 else "within noise"
    return f"{shown(difference, 4)} OWA, {verdict}"


def write(found: dict[str, Any], folder: Path) -> None:
    """Put this data set's part into RESULTS.md, and leave the others."""
    path, head = folder / "RESULTS.md", f"## {title(found['dataset'])}"
    parts = path.read_text().split("\n## ")[1:] if path.exists() else []
    kept = {f"## {part.partition(chr(10))[0]}": f"## {part.rstrip()}\n" for part in parts}
    kept[head] = "\n".join([head, "", *body(found)]) + "\n"
    opening = "# Results\n\nEach part is written by the command that it names. "
    opening += "Intervals: 95 %, 1,000 resamples of the series.\n"
    path.write_text("\n".join([opening, *(kept[name] for name in sorted(kept))]))


def title(dataset: str) -> str:
    """Simulated sources; Simulated sources: 24 series seed 7; Competitions; M4_weekly."""
    first, _, rest = dataset.partition("-")
    if first != "simulated":
        return dataset.capitalize()
    return "Simulated sources" + (f": {rest.replace('-', ' ')}" if rest else "")


def body(found: dict[str, Any]) -> list[str]:
    count = sum(report["series"] for report in found["evaluation"].values())
    lines = [
        f"`{found['command']}`, run {found['at']} UTC, commit {found['commit']}, "
        "seed of all draws 7: "
        f"{count:,} series in {found['seconds']:.0f} s.",
        "",
    ]
    if said := targets(found["evaluation"]):
        lines += [*(f"- {text}" for text in said), ""]
    lines += cleaned(found)
    for group, report in found["evaluation"].items():
        lines += grouped(group, report)
    lines += together(found["pooled"])
    lines += [f"![Accuracy against cost](pareto-{found['dataset']}.svg)", "", f"{cost(found)}."]
    stood = ", ".join(
        f"{name} {f['stood_in']} of {sum(f['fits'].values()):,}"
        for name, f in found["members"].items()
        if f["stood_in"]
    )
    if stood:
        lines += ["", f"Naive2 stood in for forecasts that failed: {stood}."]
    return lines + (["", tuned(found["tuned"])] if found["tuned"] else [])


def tuned(told: dict[str, Any]) -> str:
    """What tuning and early stopping brought."""
    states = told["states"]
    best = ", ".join(f"{key} {value:.4g}" for key, value in told["chosen"].items())
    return (
        f"LightGBM tuned on the origins: OWA there {told['before']:.4f} with the defaults, {told['value']:.4f} with "
        f"the best of {sum(states.values())} jobs ({best}), which {'was taken' if told['kept'] else 'was not taken'}; "
        f"the best of several is flattered. {states.get('Stopped', 0)} jobs were stopped early."
    )


def command(args: argparse.Namespace) -> str:
    """What was typed, as far as figures hang on it."""
    said = " --data FOLDER" if args.data else f" --series {args.series} --seed {args.seed}"
    said += f" --prophet {args.prophet}" + " --no-deepar" * args.no_deepar + " --tune" * args.tune
    if args.instance_type != "ml.m5.large":
        said += f" --instance-type {args.instance_type}"
    return f"python run.py{said} --results"


def cleaned(found: dict[str, Any]) -> list[str]:
    """The cleaning's table."""
    names = ["series", "touched", "observations", "duplicates", "corrections", "invalid", "gaps", "outliers"]
    lines = [
        "| found before the split | " + " | ".join(names) + " | outliers are |",
        "|---|" + "---:|" * len(names) + "---|",
    ]
    for group, facts in found["cleaning"].items():
        done = "replaced" if facts["treated"] else "reported"
        if group in found["quality"]:
            judged = found["quality"][group]
            done += f"; recall {judged['recall']:.2f}, precision {judged['precision']:.2f} of {judged['made']} made"
        lines.append(f"| {group} | " + " | ".join(f"{facts[name]:,}" for name in names) + f" | {done} |")
    return [*lines, ""]


def together(pooled: dict[str, Any]) -> list[str]:
    """All groups' series in one table, and the ensemble against others, paired."""
    lines = [f"### All {pooled['series']:,} series", "", "| | mean of the groups' OWAs, weighted by their series |"]
    lines += ["|---|---|"]
    for name, model in ordered(pooled):
        bold = "**" if name == "ensemble" else ""
        lines.append(f"| {bold}{name}{bold} | {shown(model['owa'])} |")
    return [*lines, "", " ".join(compared(pooled)), ""]


def grouped(group: str, report: dict[str, Any]) -> list[str]:
    """A group's table, ensemble and intervals."""
    lines = [f"### {group}: {report['series']:,} series, {report['horizon']} steps", ""]
    lines += ["| | series | sMAPE | MASE | OWA | CPU s / 1,000 forecasts |", "|---|---:|---|---|---|---:|"]
    for name, model in ordered(report):
        numbers = " | ".join(shown(model[key]) for key in ("smape", "mase", "owa"))
        bold = "**" if name == "ensemble" else ""
        lines.append(f"| {bold}{name}{bold} | {model['series']:,} | {numbers} | {model['cost']:.1f} |")
    few = [
        f"{name}, on its {model['series']} series, less the ensemble on the same: {noise(model['less_ensemble'])}."
        for name, model in report["models"].items()
        if "less_ensemble" in model
    ]
    return [
        *lines,
        "",
        f"Ensemble: {ensemble(report)}; OWA of the origins {report['chosen']['owa']:.3f}, "
        f"chosen among {report['chosen']['tried']} ways. "
        f"Less {report['best']}, the best member in hindsight: {noise(report['difference'])}. "
        f"Probabilistic: {sure(report['probabilistic'])}; the seasonal naive forecast with quantiles made in the same "
        f"way: {sure(report['floor'])}.",
        *few,
        "",
    ]


def sure(facts: dict[str, float]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in facts.items())

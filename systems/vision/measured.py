"""The parts of RESULTS.md that are not a run's: what steps/benchmark.py measured, and the log of the backbone.

python measured.py       # both again, of benchmark.json and model/backbone.log
"""

from __future__ import annotations

import json
from typing import Any

import results
from members import settings
from report import COLUMNS, cells, markdown, models, paired, width

KEPT = results.HERE / "benchmark.json"
LOG = results.HERE / "model" / "backbone.log"
TARGET = 0.99  # half/half on NEU surfaces


def spread(values: tuple[float, float, float], signed: bool = False) -> str:
    mean, low, high = values if signed else (values[0], max(values[1], 0), min(values[2], 1))
    form = "{:+.3f}" if signed else "{:.3f}"
    return f"{form.format(mean)} ({form.format(low)} to {form.format(high)})"


def measured(kept: dict[str, Any]) -> list[str]:
    """What steps/benchmark.py wrote, part by part; what it has not measured is left out."""
    lines = [
        "By `steps/benchmark.py`, without a cloud, on what `python steps/prepare.py --raw FOLDER --out work/real` made "
        "(seed 0). All of it but other splits is judged on the same test half. It chose no setting; that another "
        "anomaly detector was sought at all came of it (below). The more numbers are taken of one test half, the less "
        "each of them says.",
        "",
    ]
    for part, tell in TELL.items():
        if part in kept:
            of = kept[part]
            seen = f"`python steps/benchmark.py --prepared work/real --parts {part}{options(of)}`, commit "
            seen += f"{of['commit']}, {of['at']} UTC, {of['seconds']} s, bfloat16 {'yes' if of['bf16'] else 'no'}."
            lines += [*tell(of), "", seen, ""]
    return lines


def options(of: dict[str, Any]) -> str:
    """Of the command that made a part, where they are not the default's."""
    given = {"epochs": of.get("epochs"), "splits": len(of["splits"]) if "splits" in of else None}
    given["draws"] = of["seeds"] if "steps" in of else None
    usual = {"epochs": 30, "splits": 3, "draws": 3}
    return "".join(f" --{name} {value}" for name, value in given.items() if value not in (None, usual[name]))


def half(of: dict[str, Any]) -> list[str]:
    splits, names = of["splits"], list(of["splits"]["0"]["models"])
    rows = [
        [seed, *(f"{one['models'][name]['accuracy']:.4f}" for name in names), paired(one["over best"])]
        for seed, one in splits.items()
    ]
    best = [one["models"][names[-1]]["accuracy"] for one in splits.values()]
    each = {name: [one["models"][name]["accuracy"] for one in splits.values()] for name in names}
    mean = [["mean", *(f"{sum(values) / len(values):.4f}" for values in each.values()), ""]]
    ranges = [["range", *(f"{min(values):.4f} to {max(values):.4f}" for values in each.values()), ""]]
    head = ("split", *names, "ensemble over its best member")
    long, longer = (settings(start, of["epochs"])["epochs"] for start in ("backbone", "scratch"))
    about = (
        f"{of['train']} pictures trained on, {of['test']} judged; members with the system's own settings "
        f"(`model/members.py`: {long} epochs, from scratch {longer}; here all on one instance), asked about eight "
        f"views of a picture. The split of seed 0, whose best member by validation is "
        f"{splits['0']['best']} and whose shares are {shares(splits['0']['shares'])}:"
    )
    more = f"Other splits of the same {of['train'] * 5 // 4 + of['test']} pictures: their test halves overlap."
    return ["### Half and half", "", about, "", *models(splits["0"]["models"]), "", heat(splits["0"]), "", more, "",
            *markdown(head, rows + mean + ranges), "", reached(best), "", against(splits)]  # fmt: skip


def shares(of: list[float]) -> str:
    return ", ".join(f"{share:.2f}" for share in of)


def heat(of: dict[str, Any]) -> str:
    after = of["models"]["calibrated ensemble"]["calibration error"]
    return (
        f"Calibration error of the members joined by the same shares, without temperatures: "
        f"{of['uncalibrated error']:.4f}; with them {after:.4f}."
    )


def reached(found: list[float]) -> str:
    """Against what the field has."""
    often, mean = sum(one >= TARGET for one in found), sum(found) / len(found)
    return (
        f"The {TARGET:.0%} that the field has on the whole set, trained on half of it, is reached by the ensemble "
        f"on {often} of {len(found)} splits; its mean is {mean:.2%} ({min(found):.2%} to {max(found):.2%})."
    )


def against(splits: dict[str, Any]) -> str:
    """The ensemble and its best member."""
    gains = [one["over best"] for one in splits.values()]
    better, worse = sum(low > 0 for _, low, _ in gains), sum(high < 0 for *_, high in gains)
    mean = sum(gain for gain, *_ in gains) / len(gains)
    return (
        f"The ensemble against the member that is best by validation, paired by picture: {mean:+.4f} in the mean of "
        f"the splits; better beyond noise on {better} of {len(gains)}, worse on {worse}."
    )


def probe(of: dict[str, Any]) -> list[str]:
    names = ("floor", "untrained", "pre-trained")
    head = ("labels a class", *names, "pre-trained over the floor", "over untrained")
    rows = [
        [each, *(spread(runs[name]) for name in names)]
        + [spread(runs[name], signed=True) for name in ("over floor", "over untrained")]
        for each, runs in of["labels"].items()
    ]
    about = (
        "The same ridge regression on the floor's numbers, on the features of a frozen untrained backbone, and of the "
        f"pre-trained one: accuracy on {of['test']} test pictures, mean and 95 % t interval of {of['seeds']} draws; "
        "gains are paired by draw. Each draw has other labels and an untrained backbone begun anew, with batch "
        "statistics of the unlabelled pool; the intervals cover both. They do not cover another pre-training or "
        "another test half: there is one of each."
    )
    full = [[name, *cells(facts, "floor")[:2]] for name, facts in of["all"].items()]
    last = ["", f"With all {of['pool']} pictures that are not the test (95 % Wilson intervals; one untrained):", ""]
    table = [*markdown(head, rows), *last, *markdown(("numbers under the ridge", *COLUMNS[:2]), full)]
    return ["### Few labels, frozen backbone", "", about, "", *table]


def labels(of: dict[str, Any]) -> list[str]:
    head = ("labels a class", "floor", "from scratch", "pre-trained", "pre-trained over the floor", "over scratch")
    rows = [
        [each, *(spread(runs[name]) for name in ("floor", "scratch", "backbone"))]
        + [spread(runs[name], signed=True) for name in ("over floor", "over scratch")]
        for each, runs in of["labels"].items()
    ]
    about = (
        f"Accuracy on the {of['test']} test pictures, mean and 95 % t interval of {of['seeds']} draws; gains are "
        f"paired by draw. Pre-trained: {steps(of['steps']['backbone'])} steps; from scratch, with the settings of the "
        f"system's own member (`model/members.py`): {steps(of['steps']['scratch'])}."
    )
    return ["### Few labels, all layers trained", "", about, "", *markdown(head, rows)]


def steps(taken: list[int]) -> str:
    """As they were counted in training; one number where all took as many."""
    return " or ".join(map(str, taken))


def copies(of: dict[str, Any]) -> list[str]:
    about = (
        f"The frozen pre-trained backbone under the ridge, {of['each']} labels a class and {of['copies']} copies "
        f"of each picture, augmented, beside it; {of['seeds']} draws of the labels."
    )
    return ["### Augmentation, frozen backbone", "", about, "", *effect(of)]


def augment(of: dict[str, Any]) -> list[str]:
    about = (
        f"A pre-trained network, {steps(of['steps'])} steps, {of['each']} labels a class, {of['seeds']} draws of them."
    )
    return ["### Augmentation, all layers trained", "", about, "", *effect(of)]


def effect(of: dict[str, Any]) -> list[str]:
    """Accuracy with each augmentation, and its gain paired by draw."""
    rows = [
        [name, spread(of["accuracy"][name]), "" if name == "none" else spread(of["gain"][name], signed=True)]
        for name in of["accuracy"]
    ]
    return markdown(("augmentation", "accuracy", "gain over none, by draw"), rows)


def left_out(of: dict[str, Any]) -> list[str]:
    rows = [
        [name, one["way"], near(one["auroc"], one["interval"]), near(one["floor"], one["floor interval"])]
        + [spread((one["auroc"] - one["floor"], *one["over floor"]), signed=True), f"{one['patches']:.3f}"]
        for name, one in of["classes"].items()
    ]
    means = [sum(one[key] for one in of["classes"].values()) / len(rows) for key in ("auroc", "floor", "patches")]
    rows.append(["mean", "", f"{means[0]:.3f}", f"{means[1]:.3f}", f"{means[0] - means[1]:+.3f}", f"{means[2]:.3f}"])
    about = (
        "Each class once unknown: what is summed (`model/anomaly.py`) is chosen by the five others alone, each of them "
        "playing the unknown in turn, on training and validation pictures; judged on the test part. The detector that "
        "was measured here first, patches alone, was below a floor on four of the six; that look at the test part is "
        "why another was looked for, and this is the second. AUROC and its bootstrap interval, of the "
        "difference paired by picture; where nothing overlaps, a bootstrap has no width."
    )
    head = ("unseen class", "chosen", "detector", "floor: 38 numbers", "detector over the floor", "patches alone")
    return ["### Unseen defects", "", about, "", *markdown(head, rows)]


def near(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({width(*interval)})"


TELL = {
    "half": half,
    "probe": probe,
    "labels": labels,
    "copies": copies,
    "augment": augment,
    "unseen": left_out,
}


def write() -> None:
    """Both parts."""
    kept = json.loads(KEPT.read_text())
    results.put(f"Benchmark: {kept['data']}", measured(kept))
    said = LOG.read_text().strip().splitlines()
    shown = [f"    {line}" for line in (said[0], *said[-2:])]
    results.put("The backbone", ["`python steps/pretrain.py`; the whole log is `model/backbone.log`.", "", *shown])


if __name__ == "__main__":
    write()

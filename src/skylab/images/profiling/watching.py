"""Evaluates a profiler rule while the training goes on: it looks at the profile again and again, and at its end."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skylab.images.profiling.advice import advise
from skylab.images.profiling.findings import RULES
from skylab.images.profiling.profile import Gathered, Profile
from skylab.images.profiling.report import report
from skylab.images.rules.series import Finding
from skylab.images.rules.trial import END, Place

REPORT = "ProfilerReport"
LOOK = 1.0  # seconds between two looks whether the training has ended
MICRO = 1_000_000


def evaluated(
    rule: str,
    given: Mapping[str, Any],
    place: Place,
    output: Path,
    job: str,
    wait: Callable[[float], None] = time.sleep,
) -> Finding | None:
    """What a rule has found, as soon as it has; the report is written all the while, and finds what its rules do.

    given: parameters, of the report those of each of its rules by their names.
    """
    gathered, scanned = Gathered(place), -1e9
    interval = given.get("scan_interval_us", 60 * MICRO) / MICRO
    while True:
        ended = bool(place.list(END))  # asked before looking, so that no sample slips between
        if ended or time.monotonic() - scanned >= interval:
            scanned = time.monotonic()
            profile = gathered.profile()
            found = _report(profile, given, output, job) if rule == REPORT else RULES[rule](profile, **given)
            if ended or found and rule != REPORT:
                return found
        wait(LOOK)


def _report(profile: Profile, given: Mapping[str, Any], output: Path, job: str) -> Finding | None:
    """The files of the report, and the first finding of its rules."""
    rules = [(name, dict(given.get(name, {}))) for name in RULES]
    found = [(name, told, RULES[name](profile, **told)) for name, told in rules]
    folder = output / "profiler-output"
    _write(folder / "profiler-report.html", report(job, profile, advise(profile), found))
    for name, told, finding in found:
        said = {
            "RuleTriggered": int(finding is not None),
            "Details": finding.why if finding else "",
            "Parameters": told,
        }
        _write(folder / f"profiler-reports/{name}.json", json.dumps(said))
    return next((finding for _, _, finding in found if finding), None)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(text)
    os.replace(draft, path)

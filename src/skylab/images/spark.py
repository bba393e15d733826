"""smspark-submit of AWS's Spark processing image: an application on Spark, in local mode.

What is spark-submit's own goes on to it. Ours: --local-spark-event-logs-dir, folders where spark-submit wants files
(--py-files, --jars, --files), and the configuration of EMR's form that the SageMaker SDK leaves in CONF. The cluster is
one machine, so the first host does the work and the others have none.
https://github.com/aws/sagemaker-spark-container
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from skylab.images.folders import Folders

CONF = "processing/input/conf/configuration.json"
RESOURCES = "config/resourceconfig.json"
EVENTS = "--local-spark-event-logs-dir"
LISTS = ("--py-files", "--jars", "--files")
PREFIXES = {"spark-defaults": "", "core-site": "spark.hadoop.", "hdfs-site": "spark.hadoop."}


def main() -> None:
    ml = Folders.of_this_process().base
    resources = json.loads((ml / RESOURCES).read_text())
    if resources["current_host"] != sorted(resources["hosts"])[0]:
        print("Spark runs in local mode: the first host does the work.", flush=True)
        return
    import pyspark

    submit = os.path.join(os.path.dirname(pyspark.__file__), "bin", "spark-submit")
    options, env = configured(ml / CONF)
    told = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"} | env
    argv = [submit, "--master", "local[*]", *options, *translated(sys.argv[1:])]
    os.execve(submit, argv, {**os.environ, **told})


def configured(path: Path) -> tuple[list[str], dict[str, str]]:
    """Options of spark-submit, and variables, of a list of EMR's configurations."""
    options: list[str] = []
    env: dict[str, str] = {}
    for given in _list(json.loads(path.read_text())) if path.exists() else []:
        name, properties = given["Classification"], given.get("Properties", {})
        if name in PREFIXES:
            named = [f"{PREFIXES[name]}{key}={value}" for key, value in properties.items()]
            options += [word for each in named for word in ("--conf", each)]
        elif name == "spark-env":
            for nested in _list(given.get("Configurations", [])):
                env |= nested.get("Properties", {})
        else:
            sys.exit(f"The classification {name} has no effect here: {', '.join(PREFIXES)} and spark-env have.")
    return options, env


def _list(given: Any) -> list[dict[str, Any]]:
    return [given] if isinstance(given, dict) else given


def translated(words: list[str]) -> list[str]:
    """The command line as spark-submit takes it; what follows the application is the application's."""
    done: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name = rest.pop(0)
        if name == EVENTS:
            events = f"file://{rest.pop(0).rstrip('/')}"
            done += ["--conf", "spark.eventLog.enabled=true", "--conf", f"spark.eventLog.dir={events}"]
        elif name in LISTS:
            done += [name, ",".join(file for path in rest.pop(0).split(",") for file in _files(path))]
        else:
            done += [name, *rest[:1]]
            del rest[:1]
    return [*done, *rest]


def _files(path: str) -> list[str]:
    return sorted(str(file) for file in Path(path).iterdir()) if os.path.isdir(path) else [path]


if __name__ == "__main__":
    main()

"""systems/mlops: its own tests, the published figures elsewhere, and the whole run against a running Skylab."""

import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = REPOSITORY / "systems" / "mlops"
SKYLAB = [sys.executable, "-m", "skylab.cli"]


def python(*argv: object, interpreter: str = sys.executable) -> str:
    """Run a script of the system as a user does; its output, or a failure that shows it."""
    done = subprocess.run([interpreter, *map(str, argv)], cwd=SYSTEM, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def tabular() -> Path:
    """shared/data/tabular: named by SKYLAB_SHARED, or in a folder shared/ beside the repository or above it."""
    named = [Path(os.environ["SKYLAB_SHARED"])] if "SKYLAB_SHARED" in os.environ else []
    for shared in [*named, *(parent / "shared" for parent in REPOSITORY.parents)]:
        if (shared / "data" / "tabular" / "telco_churn.csv.gz").exists():
            return shared / "data" / "tabular"
    pytest.skip("shared/data/tabular is not here: set SKYLAB_SHARED to the folder that has data/tabular")


@pytest.mark.timeout(300)
def test_its_own_tests_pass() -> None:
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


@pytest.mark.timeout(300)
def test_every_script_runs_alone_and_a_worse_candidate_does_not_pass(tmp_path: Path) -> None:
    python("data/fetch.py", "--to", tmp_path / "randhie.csv")
    python("data/shards.py", "--data", tmp_path, "--out", tmp_path / "raw")
    for made, share in {"all": 1.0, "few": 0.01}.items():
        python("steps/prepare.py", "--raw", tmp_path / "raw", "--out", tmp_path / made, "--train-share", share)
        python("model/train.py", "--train", tmp_path / made / "train", "--model-dir", tmp_path / made / "model")
    (tmp_path / "approved").mkdir()
    with tarfile.open(tmp_path / "approved" / "model.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "all" / "model", ".")

    models = [f"--model={made}={tmp_path / made / 'model'}" for made in ("all", "few")]
    judge = ["model/evaluate.py", "--test", tmp_path / "all" / "test", "--approved", tmp_path / "approved"]
    told = python(*judge, *models, "--draws", 50, "--candidate", "few")

    assert 0.60 < float(re.search(r"all +auc +([\d.]+)", told)[1]) < 0.75
    assert re.search(r"fail: few is .*worse than the approved version by 0\.\d+ AUC", told)


def test_a_published_split_can_be_repeated_by_the_scripts_alone(tmp_path: Path) -> None:
    """Logistic regression is published with .849 +- .005 over three splits; this is the first, of 1,761 rows."""
    python(
        *("data/shards.py", "--dataset", "telco_churn", "--data", tabular(), "--out", tmp_path / "raw", "--published")
    )
    python("steps/prepare.py", "--raw", tmp_path / "raw", "--out", tmp_path, "--split", 0)
    python("model/train.py", "--train", tmp_path / "learn", "--model-dir", tmp_path / "model", "--c", 0.1)
    told = python("model/evaluate.py", "--test", tmp_path / "test", f"--model=logistic={tmp_path}/model", "--draws", 9)

    assert float(re.search(r"logistic +auc +([\d.]+)", told)[1]) > 0.84
    assert len((tmp_path / "test" / "algo-1.csv").read_text().splitlines()) == 1761


@pytest.mark.timeout(60)
def test_bad_input_ends_with_2_and_one_sentence_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "telco_churn.csv.gz").write_bytes(b"")
    script = [sys.executable, "run.py", "--work", tmp_path, "--dataset", "telco_churn"]
    nowhere = os.environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    for given, sentence in {
        ("--data", tmp_path): "cannot be read as a table",
        ("--ask", "mlops-x"): "schema.json is missing",
    }.items():
        done = subprocess.run([*script, *given], cwd=SYSTEM, env=nowhere, capture_output=True, text=True)
        assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """Of the environment that `skylab run mlops` makes."""
    found = REPOSITORY / ".venvs" / "mlops" / "bin" / "python"
    if not found.exists():
        pytest.skip(f"{found} is missing: make .venvs/mlops, or run `skylab run mlops` once")
    return found


@pytest.fixture(scope="module")
def ran(interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """A script against a cloud of its own, as `skylab run mlops` runs it."""
    folder = tmp_path_factory.mktemp("mlops")
    root = str(folder / "root")
    builder = shlex.join([*SKYLAB, "image", "build", "--root", root])
    environ = os.environ | {"IMAGE_BUILD": builder}
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=60)
    inside = [*SKYLAB, "exec", "--root", root, "--", interpreter]

    def told(*argv: object) -> str:
        done = subprocess.run(
            [*map(str, [*inside, *argv])], cwd=SYSTEM, env=environ, capture_output=True, text=True, timeout=500
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-3000:]
        return done.stdout

    try:
        yield told
    finally:
        subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=60)


@pytest.fixture(scope="module")
def run(ran: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    return partial(ran, "run.py", "--work", tmp_path_factory.mktemp("work"))


def ended(told: str) -> list[dict[str, str]]:
    """By execution, how each step has ended: done, cached or failed."""
    executions = told.split("Execution with")[1:]
    return [{name: how for how, name in re.findall(r"^(done|cached|failed) +(\S+)", each, re.M)} for each in executions]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_trains_registers_deploys_shadows_promotes_and_answers(run: Callable[..., str], tmp_path: Path) -> None:
    told = run("--summary", tmp_path / "summary.json")
    first, second = ended(told)

    assert {first[name] for name in ("prepare", "tune", "train-logistic", "train-xgboost", "evaluate")} == {"done"}
    assert first["register-logistic"] == second["register-xgboost"] == "done"
    assert {second[name] for name in ("prepare", "tune", "train-logistic", "train-xgboost")} == {"cached"}
    assert second["evaluate"] == "done"
    asked, people, v1, v2 = re.search(
        r"of (\d+) requests about (\d+) people (\d+) of v1 and (\d+) of v2", told
    ).groups()
    assert 950 < int(asked) <= 1000 and asked == v1 == v2 and int(people) < int(asked)
    assert re.search(r"done +promote v2", told) and "v2 serves" in told
    assert re.search(r"On AWS: \$0\.0\d+ of jobs", told)
    assert "LossNotDecreasing" in told
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["verdict"].startswith("approved and promoted") and summary["endpoint"] == "mlops-randhie"
    assert summary["floor"]["low"] < summary["model"]["value"] < summary["model"]["high"] < 0.8

    asked = [run("--ask", "mlops-randhie", "--set", f"disea={count}") for count in (0, 50)]
    healthy, ill = (float(answer.split()[-1]) for answer in asked)
    assert 0 < healthy < ill < 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worse_candidate_is_not_registered_and_what_served_goes_on(run: Callable[..., str]) -> None:
    told = run("--train-share", "0.02")
    (only,) = ended(told)

    assert only["evaluate"] == "done" and only["worse"] == "failed"
    assert not [name for name in only if name.startswith(("register", "approve", "shadow", "promote"))]
    assert "worse than the approved version by" in told and "v2 serves" in told


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_telco_churn_reaches_the_published_figure_through_the_pipeline(run: Callable[..., str]) -> None:
    """.849 for logistic regression and .852 for the best model in interpretml's benchmark; .850 is wanted."""
    told = run("--dataset", "telco_churn", "--data", tabular(), "--published")
    logistic, xgboost = map(float, re.search(r"mean ± sd \| \| \*\*([\d.]+) ± .*? \| \*\*([\d.]+)", told).groups())

    assert logistic >= 0.849 and xgboost >= 0.850 and "wanted: 0.85 of XGBoost; reached" in told
    assert all(set(each.values()) == {"done"} and "which" not in each for each in ended(told)) and len(ended(told)) == 3


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_definition_has_what_it_is_to_have(ran: Callable[..., str]) -> None:
    found = {step["Name"]: step for step in json.loads(ran("pipeline.py"))["Steps"]}

    prepare = found["prepare"]["Arguments"]
    assert prepare["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    assert prepare["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] == "ShardedByS3Key"
    rules = found["train-xgboost"]["Arguments"]["DebugRuleConfigurations"]
    assert [rule["RuleConfigurationName"] for rule in rules] == ["LossNotDecreasing", "Overfit"]
    jobs = [step for step in found.values() if step["Type"] in ("Processing", "Training", "Tuning")]
    assert len(jobs) == 5 and all(step["CacheConfig"]["Enabled"] for step in jobs)
    evaluated = {each["InputName"] for each in found["evaluate"]["Arguments"]["ProcessingInputs"]}
    trained = json.dumps([found[name]["Arguments"] for name in ("tune", "train-xgboost", "train-logistic")])
    assert "test" in evaluated and "Outputs['test']" not in trained
    own = found["own-split"]
    (gate,) = own["Arguments"]["IfSteps"]
    assert own["Arguments"]["ElseSteps"] == [] and own["DependsOn"] == ["evaluate"]
    assert gate["Name"] == "not-worse" and gate["Arguments"]["ElseSteps"][0]["Type"] == "Fail"
    learnt = [found[name]["Arguments"]["InputDataConfig"] for name in ("train-xgboost", "train-logistic")]
    assert all("Outputs['learn']" in json.dumps(channels) for channels in learnt)
    assert "Outputs['learn']" not in json.dumps(found["tune"]["Arguments"])

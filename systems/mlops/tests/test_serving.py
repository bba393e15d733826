"""The shadow is judged fairly, and what is not promoted serves nothing; what a run makes for an endpoint goes again."""

import types

import execution
import numpy as np
import pytest
import run
import serving
import shadowing
from asking import changed
from botocore.exceptions import ClientError


def live(people=400, rows=3):
    random = np.random.default_rng(1)
    person = np.repeat(np.arange(people), rows)
    x = random.normal(size=(len(person), 1))
    return (random.random(len(person)) < 1 / (1 + np.exp(-x[:, 0]))).astype(int), person, x


def test_a_shadow_is_judged_on_whole_people_drawn_from_all_of_the_file():
    _, person, _ = live()

    rows = shadowing.drawn(person, most=100)

    assert len(rows) == 99 and set(np.bincount(person[rows], minlength=400)) == {0, 3}
    assert person[rows].max() > 300
    assert list(rows) == list(shadowing.drawn(person, most=100))


class Answering:
    """An endpoint whose versions answer the same; a mute one's answers are not captured."""

    def __init__(self, mute=()):
        self.mute, self.answers, self.deployed = mute, {}, []

    def ask(self, line, mark=""):
        self.answers[mark] = float(1 / (1 + np.exp(-float(line))))

    def captured(self, variant, run):
        return {} if variant in self.mute else self.answers

    def deploy(self, say, *versions):
        self.deployed.append([version.name for version in versions])


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(shadowing, "CAPTURED_SECONDS", -1)


@pytest.mark.parametrize("mute", [["v2"], ["v1"], ["v1", "v2"]])
def test_a_shadow_without_answers_is_not_promoted(mute, impatient):
    found = shadowing.compare(Answering(mute), ("v1", "v2"), live(), lambda text: None)

    assert found["promote"] is False and found["answered"]["v2"] == (0 if "v2" in mute else 999)
    assert (found["requests"], found["people"]) == (999, 333)


V1, V2 = (serving.Version(number, f"arn{number}", "kind", "s3://b/m") for number in (1, 2))


def shadowed(monkeypatch, endpoint):
    """What run.shadowed returns, or raises; and the approval statuses that versions were given."""
    given = []
    monkeypatch.setattr(run, "approve", lambda acc, done: V2)
    monkeypatch.setattr(serving, "decide", lambda acc, arn, status, why: given.append((arn, status)))
    try:
        return run.shadowed(None, endpoint, V1, None, live())[0], given
    except KeyboardInterrupt:
        return None, given


def test_a_version_that_holds_is_promoted(monkeypatch):
    endpoint = Answering()
    assert shadowed(monkeypatch, endpoint) == (V2, [])
    assert endpoint.deployed == [["v1", "v2"], ["v2"]]


def test_a_version_that_does_not_hold_is_rejected_and_serves_nothing(monkeypatch, impatient):
    endpoint = Answering(mute=["v2"])
    assert shadowed(monkeypatch, endpoint) == (V1, [("arn2", "Rejected")])
    assert endpoint.deployed == [["v1", "v2"], ["v1"]]


def test_a_version_whose_comparison_is_interrupted_is_rejected(monkeypatch):
    endpoint = Answering()
    endpoint.ask = lambda line, mark: (_ for _ in ()).throw(KeyboardInterrupt)
    assert shadowed(monkeypatch, endpoint) == (None, [("arn2", "Rejected")])
    assert endpoint.deployed == [["v1", "v2"], ["v1"]]


class SageMaker:
    """Endpoint configurations, models and one endpoint, which takes two looks to be in service."""

    def __init__(self):
        self.kept, self.looks = {"endpoint": {}, "endpoint_config": {}, "model": {}}, 0

    def __getattr__(self, name):
        verb, _, kind = name.partition("_")

        def called(**request):
            (key,) = (request[each] for each in request if each.lower() == f"{kind.replace('_', '')}name")
            if verb != "create" and key not in self.kept[kind]:
                raise ClientError({"Error": {"Code": "ValidationException"}}, name)
            if verb == "delete":
                return self.kept[kind].pop(key)
            if verb == "describe":
                self.looks -= kind == "endpoint"
                return self.kept[kind][key] | {"EndpointStatus": "Updating" if self.looks > 0 else "InService"}
            if kind == "endpoint":
                assert self.looks <= 0, "it is being updated"
                self.looks = 2
            self.kept[kind][key] = request

        return called


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setattr(serving, "LOOK", 0)
    monkeypatch.setattr(serving, "version", lambda acc, arn: {"arn1": V1, "arn2": V2}[arn])
    sagemaker = SageMaker()
    acc = types.SimpleNamespace(client=lambda service: sagemaker, endpoint="role")
    return serving.Endpoint(acc, "e", "s3://b", "ml.m5.large")


def names(endpoint):
    kept = endpoint.sagemaker.kept
    return sorted(kept["model"]), [name[:4] for name in kept["endpoint_config"]]


def test_what_serves_is_read_off_the_endpoint_and_old_configurations_and_models_go(endpoint):
    assert endpoint.serves(print) == (None, True)
    endpoint.deploy(print, V1)
    endpoint.deploy(print, V1, V2)
    assert endpoint.serves(print) == (V1, False) and names(endpoint) == (["e-v1", "e-v2"], ["e-v1"])
    endpoint.deploy(print, V2)
    assert endpoint.serves(print) == (V2, True) and names(endpoint) == (["e-v2"], ["e-v2"])
    endpoint.delete()
    endpoint.delete()
    assert endpoint.sagemaker.kept == {"endpoint": {}, "endpoint_config": {}, "model": {}}


def test_an_endpoint_that_another_run_is_updating_is_waited_for(endpoint):
    endpoint.deploy(print, V1)
    endpoint.sagemaker.looks = 5
    endpoint.deploy(print, V2)
    assert endpoint.serves(print) == (V2, True)


@pytest.mark.parametrize(("given", "left"), [(["--delete"], []), ([], ["e-v1"])])
def test_a_run_that_fails_deletes_the_endpoint_where_asked_or_tells_of_it(given, left, endpoint, monkeypatch, capsys):
    endpoint.deploy(print, V1)
    monkeypatch.setattr(run, "set_up", lambda args: (None, types.SimpleNamespace(name="e", root="s3://b")))
    monkeypatch.setattr(serving, "Endpoint", lambda *given: endpoint)
    monkeypatch.setattr(run, "deployed", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        run.run(run.arguments(given))

    assert sorted(endpoint.sagemaker.kept["model"]) == left
    assert ("delete-endpoint --endpoint-name e`" in capsys.readouterr().out) == bool(left)


def test_an_execution_that_nobody_waits_for_any_more_is_stopped(monkeypatch):
    stopped = []
    started = {"PipelineExecutionArn": "arn/e"}
    sagemaker = types.SimpleNamespace(
        start_pipeline_execution=lambda **request: started,
        stop_pipeline_execution=lambda **request: stopped.append(request["PipelineExecutionArn"]),
        describe_pipeline_execution=lambda **request: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with pytest.raises(KeyboardInterrupt):
        execution.run(types.SimpleNamespace(client=lambda service: sagemaker), "p", {}, print, print)
    assert stopped == ["arn/e"]


def refused(*given, **request):
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Operation")


def test_what_could_not_be_stopped_or_looked_at_is_named(endpoint, monkeypatch, capsys):
    sagemaker = types.SimpleNamespace(
        start_pipeline_execution=lambda **request: {"PipelineExecutionArn": "arn/e"},
        stop_pipeline_execution=refused,
        describe_pipeline_execution=lambda **request: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with pytest.raises(KeyboardInterrupt):
        execution.run(types.SimpleNamespace(client=lambda service: sagemaker), "p", {}, print, print)
    monkeypatch.setattr(endpoint.sagemaker, "describe_endpoint", refused)
    run.told.left(endpoint, run.console)

    said = capsys.readouterr()
    assert "arn/e could not be stopped, and its jobs may still run" in said.err and "Rate exceeded" in said.err
    assert "Endpoint e may be up" in said.out and "delete-endpoint --endpoint-name e`" in said.out


def test_the_hint_can_be_typed_without_the_data_and_finds_what_the_run_left(tmp_path):
    ran = run.arguments(["--work", str(tmp_path)])
    ran.dataset = "telco_churn"

    hint = run.hint(ran, "mlops-telco-churn", {"gender": "f", "tenure": 3})
    again = run.arguments(hint[hint.index("--dataset") :].split())

    assert (again.work, again.dataset, again.ask) == (tmp_path, "telco_churn", "mlops-telco-churn")
    assert changed({"gender": "f", "tenure": 3}, again.set) == {"gender": "f", "tenure": 1.0}


@pytest.mark.parametrize("given", ["tenure", "tenure=long", "age=3", ""])
def test_what_cannot_be_set_is_refused_in_one_sentence(given, capsys):
    with pytest.raises(SystemExit) as ended:
        changed({"gender": "f", "tenure": 3}, [given])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.count("\n") == 1 and "tenure" in told

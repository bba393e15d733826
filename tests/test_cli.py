"""The command line, as a user meets it: real processes, a real port, a fake cloud inside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commanded import ENVIRON, launch, skylab

from skylab.commands import systems
from skylab.commands.environment import full, written
from skylab.commands.logs import duration, events
from skylab.root import Credentials, Refused, Root, Server


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder of a running server."""
    path = tmp_path_factory.mktemp("cloud") / "root"
    with launch(path, "0") as process:
        assert process.stdout.readline() == "started\n"
        assert process.stdout.readline().startswith("ready http://127.0.0.1:")
        yield path
        process.terminate()


def test_an_interruption_of_a_job_that_is_not_there_is_refused_in_one_sentence(root):
    done = skylab(root, "interrupt", "nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("skylab: There is no training job nothing in ")


def test_a_second_server_of_one_folder_is_refused(root):
    with launch(root, "0") as second:
        assert second.stdout.read() == (
            f"refused Skylab runs in {root} already: see `skylab status`, or end it with `skylab down`.\n"
        )
    assert second.returncode == 2


def test_env_is_evaluated_by_a_shell_as_it_was_meant(root):
    lines = skylab(root, "env").stdout

    shown = subprocess.run(["sh", "-c", lines + "env"], capture_output=True, text=True, env={}).stdout

    assert "AWS_SECRET_ACCESS_KEY=it's\n" in shown
    assert f"AWS_ENDPOINT_URL={Root(root).server().url}\n" in shown
    assert json.loads(skylab(root, "env", "--shell", "json").stdout)["AWS_EC2_METADATA_DISABLED"] == "true"


def test_fish_reads_quotes_in_its_own_way():
    assert written({"A": "it's\\"}, "fish") == "set -gx A 'it\\'s\\\\';"


def test_env_says_what_to_do_when_nothing_runs(tmp_path):
    said = skylab(tmp_path, "env")
    assert said.returncode == 2
    assert said.stderr == f"skylab: Skylab does not run in {tmp_path}: start it with `skylab up --detach`.\n"


def test_exec_leads_hard_coded_addresses_here_and_passes_the_exit_code_through(root):
    program = (
        "import os, ssl, sys, json, urllib.request as r\n"
        "print(r.urlopen('https://sts.us-east-1.amazonaws.com/who').read().decode())\n"
        "sys.exit(7)"
    )
    said = skylab(root, "exec", "--", sys.executable, "-c", program)
    assert said.returncode == 7, said.stderr
    seen = json.loads(said.stdout)
    assert (seen["scheme"], seen["host"], seen["path"]) == ("https", "sts.us-east-1.amazonaws.com", "/who")


def test_exec_refuses_a_command_that_does_not_exist(root):
    said = skylab(root, "exec", "--", "no-such-program")
    assert (said.returncode, said.stderr) == (2, "skylab: no-such-program cannot be run (no such file or directory).\n")


def test_exec_drops_what_would_lead_an_sdk_elsewhere_and_keeps_the_users_authorities(root, tmp_path):
    (tmp_path / "company.pem").write_text("COMPANY")
    inherited = {
        "AWS_PROFILE": "p",
        "AWS_ENDPOINT_URL_S3": "u",
        "SSL_CERT_FILE": str(tmp_path / "company.pem"),
        "X": "1",
    }

    given = full(Root(root), Root(root).server(), inherited)

    assert "AWS_PROFILE" not in given and "AWS_ENDPOINT_URL_S3" not in given and given["X"] == "1"
    assert Path(given["AWS_CA_BUNDLE"]).read_text().startswith("COMPANY\n-----BEGIN CERTIFICATE")
    assert "TelemetryOptOut: true" in Path(given["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text()
    assert given["NO_PROXY"] == given["no_proxy"] == "127.0.0.1,localhost"


def test_status_shows_jobs_and_endpoints(root):
    said = skylab(root, "status")
    assert said.returncode == 0, said.stderr
    assert "churn-1" in said.stdout and "churn (InService)" in said.stdout and str(root) in said.stdout
    assert "jobs run" in said.stdout  # in a sandbox, or why not


def test_logs_lists_groups_and_prints_events(root):
    assert skylab(root, "logs").stdout == "/aws/a\n/aws/b\n"
    assert skylab(root, "logs", "/aws/a").stdout == "2023-11-14T22:13:20.000+00:00 s epoch [1]\n"
    assert "--since x cannot be read" in skylab(root, "logs", "/aws/a", "--since", "x").stderr


def test_following_logs_prints_each_event_once_also_late_ones():
    first, late = ({"eventId": id, "timestamp": time, "message": id} for id, time in (("b", 90_000), ("a", 80_000)))

    class Logs:
        rounds = iter([[first], [late, first], [late, first]])

        def get_paginator(self, name):
            return self

        def paginate(self, **given):
            return [{"events": next(self.rounds)}]

        class exceptions:
            class ResourceNotFoundException(Exception):
                pass

    following = events(Logs(), "g", 0, follow=True)
    assert [next(following)["eventId"], next(following)["eventId"]] == ["b", "a"]


def test_durations_are_read():
    assert duration("10m").total_seconds() == 600
    with pytest.raises(Refused):
        duration("-1m")


def test_reset_refuses_a_folder_that_is_in_use_or_is_no_cloud(root, tmp_path):
    assert "end it first with `skylab down`" in skylab(root, "reset", "--yes").stderr
    (tmp_path / "thesis.txt").touch()
    assert "nothing was deleted" in skylab(tmp_path, "reset", "--yes").stderr
    assert (tmp_path / "thesis.txt").exists()


def test_a_system_is_found_by_name_and_an_unknown_one_is_refused_with_the_known(tmp_path):
    (tmp_path / "systems" / "toy").mkdir(parents=True)
    (tmp_path / "systems" / "toy" / "run.py").touch()
    assert systems.find("toy", tmp_path) == tmp_path / "systems" / "toy"
    with pytest.raises(Refused, match="choose one of .*toy"):
        systems.find("../toy", tmp_path)


def test_run_makes_the_environment_once_and_passes_arguments_and_exit_code(root, tmp_path):
    toy = tmp_path / "systems" / "toy"
    toy.mkdir(parents=True)
    (toy / "run.py").write_text(
        "import os, sys; print(sys.prefix, sys.argv[1:], 'HTTPS_PROXY' in os.environ); sys.exit(3)"
    )
    argv = [sys.executable, "-m", "skylab.cli", "run", "toy", "--root", str(root), "--data", "d.csv", "--quick"]
    environ = ENVIRON | {"PYTHONPATH": os.path.abspath("src")}

    said = [subprocess.run(argv, capture_output=True, text=True, env=environ, cwd=tmp_path) for _ in range(2)]

    assert [one.returncode for one in said] == [3, 3], said[0].stderr
    folder = tmp_path / ".venvs" / "toy"
    assert said[0].stdout == f"{folder} ['--data', '{tmp_path}/d.csv', '--quick'] True\n"
    assert "toy is prepared" in said[0].stderr and said[1].stderr == ""


def test_a_system_is_told_how_it_is_run_again_from_any_shell(root, tmp_path):
    toy = tmp_path / "systems" / "toy"
    toy.mkdir(parents=True)
    (toy / "run.py").write_text(
        "import os, sys\n"
        "print(sys.argv[1:] if '--ask' in sys.argv else os.environ['RUN_AS'], 'HTTPS_PROXY' in os.environ)\n"
    )
    argv = [sys.executable, "-m", "skylab.cli", "run", "toy", "--root", str(root)]
    environ = {"env": ENVIRON | {"PYTHONPATH": os.path.abspath("src")}, "cwd": tmp_path, "text": True}

    command, _, led = subprocess.check_output(argv, **environ).strip().rpartition(" ")
    again = subprocess.check_output(f"{command} --dataset d --ask e --set a=1", shell=True, **environ)

    assert led == "True"
    assert again == "['--dataset', 'd', '--ask', 'e', '--set', 'a=1'] True\n"


def test_what_to_type_again_names_a_root_and_a_target_that_are_not_the_usual_ones():
    assert systems.typed(".venv/bin/skylab", "mlops", None, "local") == ".venv/bin/skylab run mlops"
    typed = systems.typed("skylab", "mlops", Path("/my cloud"), "aws")
    assert typed == "skylab run --root '/my cloud' --target aws mlops"


def test_a_system_is_told_what_builds_its_containers_here():
    assert systems.builds("/bin/skylab", Path("/my cloud")) == "/bin/skylab image build --root '/my cloud'"
    assert systems.builds("skylab/cli.py", Path("/r")).startswith(f"{sys.executable} -m skylab.cli image build")


def test_an_environment_is_outdated_when_its_requirements_change(tmp_path):
    toy = tmp_path / "systems" / "toy"
    toy.mkdir(parents=True)
    environment = systems.Environment(toy)
    environment.make(lambda line: None)
    assert environment.ready()
    (toy / "requirements.txt").write_text("boto3\n")
    assert not environment.ready()


@pytest.mark.parametrize(
    "output, sentence",
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError: x", "internet"),
        ("x", "see"),
    ],
)
def test_a_failed_installation_is_explained(tmp_path, output, sentence):
    (tmp_path / ".venvs").mkdir()
    assert sentence in systems.why(output, "the packages of r.txt", tmp_path / "log")


def test_target_aws_is_refused_while_the_environment_leads_to_the_local_cloud():
    with pytest.raises(Refused, match="unset it"):
        systems.check_aws({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})


def test_every_command_says_what_it_does_with_an_example(tmp_path):
    for command in ("up", "env", "exec", "status", "logs", "down", "reset", "run"):
        said = skylab(tmp_path, command, "--help")
        assert said.returncode == 0 and f"skylab {command}" in said.stdout.partition("Example:")[2], command


def test_credentials_are_read_in_aws_names(root):
    assert Root(root).credentials() == Credentials("AKIA", "it's", "t/+=", "us-east-1", "1", "r")


def test_an_address_of_ipv6_is_a_url():
    assert Server(1, 4566, 4567, "2026-01-01T00:00:00+00:00", "[::1]").url == "http://[::1]:4566"


def test_an_image_is_not_built_without_a_dockerfile_or_a_name_or_a_cloud(root, tmp_path):
    absent = skylab(root, "image", "build", str(tmp_path), "-t", "mine:1")
    assert absent.returncode == 2 and f"There is no {tmp_path}/Dockerfile" in absent.stderr
    (tmp_path / "Dockerfile").write_text("FROM python")
    unnamed = skylab(root, "image", "build", str(tmp_path), "-t", "Not A Name")
    assert unnamed.returncode == 2 and "is no name of an image" in unnamed.stderr
    stopped = skylab(tmp_path / "nowhere", "image", "build", str(tmp_path), "-t", "mine:1")
    assert stopped.returncode == 2 and "skylab up --detach" in stopped.stderr

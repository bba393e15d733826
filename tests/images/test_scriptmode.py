"""Script mode as a job runs it: variables, arguments, endings, requirements."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TELL = """
import json, os, sys
told = {"argv": sys.argv[1:], "env": {k: v for k, v in os.environ.items() if k.startswith("SM_")}, "cwd": os.getcwd()}
with open(os.path.join(os.environ["SM_MODEL_DIR"], "told.json"), "w") as file:
    json.dump(told, file)
print("the script ran")
"""
VARIABLES = """SM_HOSTS SM_NETWORK_INTERFACE_NAME SM_HPS SM_USER_ENTRY_POINT SM_FRAMEWORK_PARAMS SM_RESOURCE_CONFIG
SM_INPUT_DATA_CONFIG SM_OUTPUT_DATA_DIR SM_CHANNELS SM_CURRENT_HOST SM_CURRENT_INSTANCE_TYPE SM_CURRENT_INSTANCE_GROUP
SM_CURRENT_INSTANCE_GROUP_HOSTS SM_INSTANCE_GROUPS SM_INSTANCE_GROUPS_DICT SM_DISTRIBUTION_INSTANCE_GROUPS SM_IS_HETERO
SM_MODULE_NAME SM_LOG_LEVEL SM_FRAMEWORK_MODULE SM_INPUT_DIR SM_INPUT_CONFIG_DIR SM_OUTPUT_DIR SM_NUM_CPUS SM_NUM_GPUS
SM_NUM_NEURONS SM_MODEL_DIR SM_MODULE_DIR SM_TRAINING_ENV SM_USER_ARGS SM_OUTPUT_INTERMEDIATE_DIR SM_CHANNEL_TRAIN
SM_HP_N-ESTIMATORS SM_HP_K SM_HP_DEEP SM_HP_WORDS SM_HP_RAW""".split()
TRAINING_ENV = """
additional_framework_parameters channel_input_dirs current_host current_instance_group
current_instance_group_hosts current_instance_type distribution_hosts distribution_instance_groups
framework_module hosts hyperparameters input_config_dir input_data_config input_dir instance_groups
instance_groups_dict is_hetero is_master is_modelparallel_enabled is_smddpmprun_installed is_smddprun_installed
job_name log_level master_hostname model_dir module_dir module_name network_interface_name num_cpus num_gpus
num_neurons output_data_dir output_dir output_intermediate_dir resource_config user_entry_point
""".split()


def scripted(job, text, **hyperparameters):
    folder = job.code(train=text)
    (job.base / "model").mkdir(exist_ok=True)
    reserved = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": json.dumps(str(folder))}
    job.config("hyperparameters", reserved | hyperparameters)
    job.channels(train=b"1,2\n")
    return folder


def told(job):
    return json.loads((job.base / "model" / "told.json").read_text())


def test_a_script_gets_the_toolkits_variables_and_arguments(job):
    given = {"n-estimators": "5", "k": "2", "deep": "true", "words": '["a", "b"]', "raw": "plain text"}
    scripted(job, TELL, **given, sagemaker_job_name='"job"', sagemaker_extra='"kept"')

    code, log = job.run("sklearn")

    assert code == 0, log
    argv = ["--deep", "True", "-k", "2", "--n-estimators", "5", "--raw", "plain text", "--words", "['a', 'b']"]
    env = told(job)["env"]
    assert told(job)["argv"] == argv == json.loads(env["SM_USER_ARGS"])
    assert set(env) == set(VARIABLES)
    assert env["SM_HPS"] == '{"deep":true,"k":2,"n-estimators":5,"raw":"plain text","words":["a","b"]}'
    assert env["SM_HP_DEEP"] == "true" and env["SM_CHANNELS"] == '["train"]'
    assert json.loads(env["SM_FRAMEWORK_PARAMS"]) == {"sagemaker_extra": "kept"}
    assert env["SM_CHANNEL_TRAIN"] == str(job.base / "input" / "data" / "train")
    assert set(json.loads(env["SM_TRAINING_ENV"])) == set(TRAINING_ENV)
    assert told(job)["cwd"] == str(job.base / "code")
    assert log.splitlines()[-1] == "Reporting training SUCCESS"


def test_a_script_that_crashes_leaves_its_traceback_and_its_exit_code(job):
    scripted(job, "import sys\nprint('before', file=sys.stderr)\nraise KeyError('target column')\n")

    code, log = job.run("sklearn")

    assert code == 1
    assert job.failure.startswith(
        'ExecuteUserScriptError:\nExitCode 1\nErrorMessage "Traceback (most recent call last)'
    )
    assert "KeyError: 'target column'\"\nCommand \"" in job.failure and job.failure.endswith('train.py"')
    assert "before" in log and "Reporting training FAILURE" in log


def test_the_exit_code_is_the_scripts(job):
    scripted(job, "import sys; sys.exit(42)")

    assert job.run("sklearn")[0] == 42
    assert "ExitCode 42" in job.failure


def test_a_killed_script_reads_as_out_of_memory(job):
    scripted(job, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    assert job.run("sklearn")[0] == 137
    assert "OutOfMemory: Process killed by SIGKILL (signal 9)" in job.failure


STOPPED = """
import signal, sys, time
heard = []
def stop(*_):
    heard.append(1)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.5)
print("heard", len(heard), flush=True)
sys.exit(3)
"""


@pytest.mark.parametrize("group", [True, False], ids=["its group is signalled", "it alone is signalled"])
def test_a_stopped_script_hears_one_sigterm_and_ends_itself(job, group):
    scripted(job, STOPPED)
    process = job.start("sklearn", start_new_session=group)
    while process.stdout.readline() != "ready\n":
        pass

    (os.killpg if group else os.kill)(process.pid, signal.SIGTERM)
    log, _ = process.communicate(timeout=30)

    assert "heard 1\n" in log and process.returncode == 3


def test_code_comes_out_of_an_archive(job):
    folder = scripted(job, TELL)
    archive = job.base / "sourcedir.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder / "train.py", "train.py")
    job.config("hyperparameters", {"sagemaker_program": "train.py", "sagemaker_submit_directory": str(archive)})

    assert job.run("pytorch")[0] == 0
    assert told(job)["env"]["SM_MODULE_DIR"] == str(archive)


def test_an_archive_that_climbs_out_is_refused(job):
    scripted(job, TELL)
    archive = job.base / "sourcedir.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(job.base / "source" / "train.py", "../../escaped.py")
    job.config("hyperparameters", {"sagemaker_program": "train.py", "sagemaker_submit_directory": str(archive)})

    assert job.run("sklearn")[0] == 1
    assert job.failure.startswith("ClientError: The archive sourcedir.tar.gz cannot be unpacked")
    assert not (job.base.parent / "escaped.py").exists()


def test_a_distribution_that_is_not_done_is_refused_by_name(job):
    scripted(job, TELL, sagemaker_mpi_enabled="true")

    assert job.run("sklearn")[0] == 1
    assert job.failure == "ClientError: Distribution by MPI (sagemaker_mpi_enabled) is not supported here."


def test_a_shell_script_runs_too(job):
    folder = scripted(job, TELL, alpha="1")
    (folder / "train.sh").write_text('echo "args $@"\n')
    job.config(
        "hyperparameters", {"sagemaker_program": "train.sh", "sagemaker_submit_directory": str(folder), "alpha": "1"}
    )

    code, log = job.run("sklearn")

    assert code == 0 and "args --alpha 1" in log


def package(job, name="tinypackage", body="ANSWER = 42\n"):
    """A package that needs no index and no build dependency: a wheel."""
    import base64
    import hashlib
    import zipfile

    wheels = job.base / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }

    def digest(text):
        return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

    record = "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in files.items())
    with zipfile.ZipFile(wheels / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in (files | {f"{info}/RECORD": record + f"{info}/RECORD,,\n"}).items():
            wheel.writestr(path, text)
    job.env["PIP_FIND_LINKS"] = str(wheels)


def test_requirements_are_installed_once_beside_what_is_there(job):
    package(job)
    folder = scripted(job, "import tinypackage, numpy\nprint('answer', tinypackage.ANSWER)\n")
    (folder / "requirements.txt").write_text("tinypackage\nnumpy\n")

    first, second = job.run("sklearn"), job.run("sklearn")

    assert first[0] == second[0] == 0, first[1]
    assert "answer 42" in first[1] and "answer 42" in second[1]
    assert "Installing dependencies from requirements.txt" in first[1]
    assert "Requirement already satisfied: numpy" in first[1]
    assert "Installing" not in second[1]


def test_two_jobs_that_race_install_once(job):
    package(job)
    folder = scripted(job, "import tinypackage\n")
    (folder / "requirements.txt").write_text("tinypackage\n")
    (job.base / "code").mkdir()

    processes = [job.start("sklearn"), job.start("sklearn")]
    logs = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], logs
    assert "".join(logs).count("Installing dependencies") == 1


def test_an_install_that_died_is_made_again(job):
    package(job)
    folder = scripted(job, "import tinypackage\nprint('there')\n")
    (folder / "requirements.txt").write_text("tinypackage\n")
    assert job.run("sklearn")[0] == 0
    (made,) = (job.cache / "requirements").glob("*/ready")
    made.unlink()

    code, log = job.run("sklearn")

    assert code == 0 and "Installing dependencies" in log and "there" in log


def test_a_requirement_that_does_not_exist_is_told_in_pips_words(job):
    folder = scripted(job, "print('never')\n")
    (folder / "requirements.txt").write_text("no-such-package-at-all==1.0\n")

    code, log = job.run("sklearn")

    assert code == 1 and "never" not in log
    assert job.failure.startswith("InstallRequirementsError:\nExitCode 1\nErrorMessage ")
    assert "No matching distribution found for no-such-package-at-all==1.0" in job.failure


def test_the_start_costs_little(job):
    scripted(job, "pass")
    argv = ["-X", "importtime", "-c", "import skylab.images.train"]
    imported = subprocess.run([sys.executable, *argv], env=job.environment, capture_output=True, text=True).stderr
    heavy = {"boto3", "numpy", "xgboost", "sklearn", "pandas", "asyncio", "uvloop"}
    assert not heavy & {line.rpartition("|")[2].strip() for line in imported.splitlines()}
    best = min(_seconds(job) for _ in range(3))
    assert best < 1.5  # 0.1 s on an idle machine; ours may be busy


def _seconds(job):
    before = time.perf_counter()
    assert job.run("sklearn")[0] == 0
    return time.perf_counter() - before


def test_code_is_downloaded_from_s3_with_the_jobs_credentials(job):
    folder = scripted(job, TELL)
    archive = job.base / "sourcedir.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder / "train.py", "train.py")
    uri = "s3://bucket/job/source/sourcedir.tar.gz"
    job.config("hyperparameters", {"sagemaker_program": "train.py", "sagemaker_submit_directory": uri})
    with object_store({"/bucket/job/source/sourcedir.tar.gz": archive.read_bytes()}) as (address, seen):
        job.env |= {"AWS_ENDPOINT_URL": address, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
        job.env |= {"AWS_ACCESS_KEY_ID": "AKIAJOB", "AWS_SECRET_ACCESS_KEY": "secret"}
        code, log = job.run("sklearn")
        assert code == 0, log
        assert seen and all("Credential=AKIAJOB/" in each for each in seen)
        job.config("hyperparameters", {"sagemaker_program": "train.py", "sagemaker_submit_directory": uri + "x"})
        assert job.run("sklearn")[0] == 1
        assert job.failure.startswith(f"ClientError: The code at {uri}x cannot be downloaded: ")


@contextmanager
def object_store(objects):
    """S3 as far as a download goes: (address, the Authorization headers that came)."""
    seen = []

    class Objects(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers["Authorization"])
            body = objects.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Objects) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()

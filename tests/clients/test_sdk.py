"""The SageMaker SDK, of both generations."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_trains_with_streamed_logs_deploys_asks_and_deletes(run, tool):
    done = run(tool("sdk3"), HERE / "v3_model_trainer.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "agreement=" in done.stdout
    assert "accuracy=" in done.stdout + done.stderr, "the script's own log line was not streamed"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v2_trains_in_script_mode_and_built_in_deploys_asks_and_deletes(run, tool):
    done = run(tool("sdk2"), HERE / "v2_estimators.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "sklearn=" in done.stdout and "xgboost=" in done.stdout
    assert "accuracy=" in done.stdout, "the script's own log line was not streamed"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_builds_a_model_of_a_script_and_deploys_it(run, tool):
    done = run(tool("sdk3"), HERE / "v3_model_builder.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "predictions=20" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", [2, 3])
def test_the_sdks_deploy_two_variants_that_capture_and_update_them(run, tool, version):
    done = run(tool(f"sdk{version}"), HERE / f"v{version}_endpoints.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "updated=third" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("version, first, second", [("2", "sklearn", "pytorch"), ("3", "script", "framework")])
def test_the_sdk_processes_on_two_instances_and_with_a_folder_of_code(run, tool, version, first, second):
    done = run(tool(f"sdk{version}"), HERE / f"v{version}_processors.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{first}=2 files, 45 rows" in done.stdout and f"{second}=1 files, 45 rows" in done.stdout
    assert "algo-2: kept=" in done.stdout + done.stderr, "the script's own log line was not streamed"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_processes_with_spark(run, tool):
    pytest.importorskip("pyspark")
    done = run(tool("sdk3"), HERE / "v3_spark.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "counted=be,2 not,1 or,1 to,2 events=" in done.stdout and "events=0" not in done.stdout
    assert "words=4 shuffle=3" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "version, said", [("2", "files=3 rows=500 agreement=0.99"), ("3", "answers=100 right=100")], ids=["v2", "v3"]
)
def test_the_sdk_transforms_on_its_instances_and_joins_the_answers(run, tool, version, said):
    done = run(tool(f"sdk{version}"), HERE / f"v{version}_transformer.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert said in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("tools", "script"), [("sdk2", "v2_runs.py"), ("sdk3", "v3_runs.py")])
def test_the_sdks_log_runs_of_experiments_and_find_them_again(run, tool, tools, script):
    done = run(tool(tools), HERE / script)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "metrics=True" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v2_deploys_endpoints_of_every_kind(run, tool):
    done = run(tool("sdk2"), HERE / "v2_kinds.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "many=['x>one', 'x>two'] listed=['deep/two.tar.gz', 'one.tar.gz']" in done.stdout
    assert "pipeline=x>first>last" in done.stdout
    assert "serverless=x>less" in done.stdout
    assert "async=x>later" in done.stdout and "response=y>later" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_deploys_with_every_inference_configuration(run, tool):
    done = run(tool("sdk3"), HERE / "v3_kinds.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "serverless=True" in done.stdout and "async=True" in done.stdout
    assert "component=True copies=2" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("tools", "script"), [("sdk2", "v2_registry.py"), ("sdk3", "v3_registry.py")])
def test_the_sdks_register_and_approve_and_v2_deploys_by_package(run, tool, tools, script):
    done = run(tool(tools), HERE / script)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "approved=True" in done.stdout

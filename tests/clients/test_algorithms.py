"""The first-party algorithms by the SageMaker SDK, of both generations."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["linear", "kmeans", "pca", "knn", "forest", "deepar"])
def test_the_sdk_v2_trains_and_asks_its_own_estimators(run, tool, name):
    if name == "deepar":
        pytest.importorskip("gluonts")
    done = run(tool("sdk2"), HERE / "v2_algorithms.py", name)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "share=" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_trains_and_hosts_by_an_images_uri(run, tool):
    done = run(tool("sdk3"), HERE / "v3_algorithm.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "rmse=" in done.stdout

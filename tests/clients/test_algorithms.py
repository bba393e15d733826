"""The first-party algorithms by the SageMaker SDK, of both generations."""

from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_sdk_v2_trains_and_asks_its_own_estimators(run, tool):
    more = ["forecasting"] if find_spec("gluonts") else []
    done = run(tool("sdk2"), HERE / "v2_algorithms.py", *more)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert all(f"{name}=" in done.stdout for name in ("linear", "kmeans", "pca", "knn", "forest"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_trains_and_hosts_by_an_images_uri(run, tool):
    done = run(tool("sdk3"), HERE / "v3_algorithm.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "rmse=" in done.stdout

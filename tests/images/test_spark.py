"""smspark-submit's command line and configuration, as spark-submit takes them."""

import json
import sys

import pytest

from skylab.images import spark


def test_folders_become_lists_of_files_and_the_applications_arguments_stay_its_own(tmp_path):
    for name in ("b.py", "a.py"):
        (tmp_path / name).write_text("")
    words = ["--local-spark-event-logs-dir", "/opt/ml/processing/spark-events/", "--py-files", str(tmp_path)]
    rest = ["--class", "org.App", "/opt/ml/app.jar", "--jars", str(tmp_path)]

    assert spark.translated([*words, *rest]) == [
        "--conf",
        "spark.eventLog.enabled=true",
        "--conf",
        "spark.eventLog.dir=file:///opt/ml/processing/spark-events",
        "--py-files",
        f"{tmp_path}/a.py,{tmp_path}/b.py",
        *rest,
    ]


def test_classifications_become_options_and_variables_or_end_the_program(tmp_path):
    path = tmp_path / "configuration.json"
    assert spark.configured(path) == ([], {})
    path.write_text(
        json.dumps(
            [
                {"Classification": "spark-defaults", "Properties": {"spark.a": "1"}},
                {"Classification": "core-site", "Properties": {"fs.b": "2"}},
                {
                    "Classification": "spark-env",
                    "Configurations": [{"Classification": "export", "Properties": {"C": "3"}}],
                },
            ]
        )
    )
    assert spark.configured(path) == (["--conf", "spark.a=1", "--conf", "spark.hadoop.fs.b=2"], {"C": "3"})
    path.write_text(json.dumps({"Classification": "hive-site", "Properties": {}}))
    with pytest.raises(SystemExit, match="hive-site has no effect here"):
        spark.configured(path)


def test_only_the_first_host_works(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").mkdir()
    told = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    (tmp_path / "config/resourceconfig.json").write_text(json.dumps(told))
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["spark", "app.py"])
    spark.main()
    assert "the first host does the work" in capsys.readouterr().out

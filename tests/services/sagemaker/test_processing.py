"""Processing jobs: what their programs find, and what becomes of what they leave behind."""

import json
import re

from conftest import connect
from services.sagemaker.acted import keys
from services.sagemaker.processed import WHOLE, brought, described, outputs, request, running, taken
from services.sagemaker.trained import put


def found(processes, host="algo-1"):
    folder = processes.ml(host) / "processing/input/data"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_program_finds_its_inputs_its_configuration_and_its_outputs_folder(sagemaker, s3, processes, steps):
    put(s3, "in/a.csv", "in/sub/b.csv", "code/run.py")
    code = brought("code", "s3://sagemaker-data/code/run.py", "/opt/ml/processing/input/code")
    running(
        sagemaker,
        steps,
        ProcessingInputs=[brought(), code],
        Environment={"MINE": "1"},
        application={"ContainerArguments": ["--rate", "0.1"]},
        **outputs(taken()),
    )
    ml, launch = processes.ml(), processes.launched[processes.one()]

    assert found(processes) == ["a.csv", "sub/b.csv"] and (ml / "processing/input/code/run.py").is_file()
    assert (ml / "processing/output").is_dir()
    assert launch.argv[-4:] == ["python3", "/opt/ml/processing/input/code/run.py", "--rate", "0.1"]
    assert launch.env["MINE"] == "1" and launch.env["AWS_REGION"] == "us-east-1"
    told = json.loads((ml / "config/processingjobconfig.json").read_text())
    assert told["ProcessingJobArn"].endswith(":processing-job/job") and told["Environment"] == {"MINE": "1"}
    assert told["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] == "FullyReplicated"
    assert told["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400} and "_" not in told
    resources = json.loads((ml / "config/resourceconfig.json").read_text())
    assert (resources["current_host"], resources["hosts"]) == ("algo-1", ["algo-1"])


def test_a_completed_job_has_its_outputs_its_message_and_its_times(sagemaker, s3, cloud, processes, steps):
    running(
        sagemaker, steps, **outputs(taken(), taken("more", "/opt/ml/processing/more", uri="s3://sagemaker-data/x/"))
    )
    (processes.ml() / "processing/output/sub").mkdir()
    (processes.ml() / "processing/output/sub/a.csv").write_text("1")
    (processes.ml() / "processing/more/b.csv").write_text("2")
    (processes.ml() / "output/message").write_text("CompletedWithViolations: none " + "x" * 2000)
    (processes.ml() / "processing/output/link").symlink_to("/etc/passwd")
    processes.say("hello\n")
    processes.end(0)
    steps(WHOLE)

    doc = described(sagemaker)
    assert doc["ProcessingJobStatus"] == "Completed" and "FailureReason" not in doc
    assert doc["ExitMessage"].startswith("CompletedWithViolations: none") and len(doc["ExitMessage"]) == 1024
    assert doc["CreationTime"] < doc["ProcessingStartTime"] < doc["ProcessingEndTime"] == doc["LastModifiedTime"]
    assert keys(s3, "made/") == ["made/sub/a.csv"] and keys(s3, "x/") == ["x/b.csv"]
    (stream,) = connect(cloud, "logs").describe_log_streams(logGroupName="/aws/sagemaker/ProcessingJobs")["logStreams"]
    assert re.fullmatch(r"job/algo-1-\d+", stream["logStreamName"])
    assert not list((cloud.root / "jobs").iterdir())


def test_a_failed_job_says_its_exit_code_and_keeps_what_it_made(sagemaker, s3, processes, steps):
    running(sagemaker, steps, **outputs(taken()))
    (processes.ml() / "processing/output/why.txt").write_text("because")
    (processes.ml() / "output/message").write_text("no data")
    processes.end(3)
    steps(WHOLE)

    doc = described(sagemaker)
    assert doc["ProcessingJobStatus"] == "Failed" and doc["ExitMessage"] == "no data"
    assert doc["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 3"
    assert keys(s3, "made/") == ["made/why.txt"]


def test_continuous_output_is_in_s3_while_the_program_runs_and_not_sent_twice(sagemaker, s3, processes, steps):
    running(sagemaker, steps, count=2, **outputs(taken(mode="Continuous")))
    (processes.ml() / "processing/output/1").write_text("one")
    (processes.ml("algo-2") / "processing/output/2").write_text("two")
    steps(8)
    assert keys(s3, "made/") == ["made/1", "made/2"]
    s3.delete_object(Bucket="sagemaker-data", Key="made/1")
    (processes.ml() / "processing/output/2").write_text("two again")
    for host in ("algo-1", "algo-2"):
        processes.end(0, processes.one(host))
    steps(WHOLE)

    assert described(sagemaker)["ProcessingJobStatus"] == "Completed"
    assert keys(s3, "made/") == ["made/2"]
    assert s3.get_object(Bucket="sagemaker-data", Key="made/2")["Body"].read() == b"two again"


def test_objects_are_dealt_out_to_the_instances_and_those_know_one_another(sagemaker, s3, processes, steps):
    put(s3, "in/a", "in/b", "in/c")
    running(sagemaker, steps, count=2, ProcessingInputs=[brought(S3DataDistributionType="ShardedByS3Key")])

    assert found(processes) == ["a", "c"] and found(processes, "algo-2") == ["b"]
    launches = [processes.launched[processes.one(host)] for host in ("algo-1", "algo-2")]
    assert [launch.hostname for launch in launches] == ["algo-1", "algo-2"]
    assert set(launches[0].hosts) == {"algo-1", "algo-2"} and launches[0].hosts == launches[1].hosts
    told = json.loads((processes.ml("algo-2") / "config/resourceconfig.json").read_text())
    assert (told["current_host"], told["hosts"]) == ("algo-2", ["algo-1", "algo-2"])


def test_a_manifest_names_the_inputs(sagemaker, s3, processes, steps):
    put(s3, "in/a", "in/b")
    s3.put_object(Bucket="sagemaker-data", Key="m.json", Body=b'[{"prefix": "s3://sagemaker-data/in/"}, "b"]')
    running(sagemaker, steps, ProcessingInputs=[brought(uri="s3://sagemaker-data/m.json", S3DataType="ManifestFile")])
    assert found(processes) == ["b"]


def test_outputs_are_encrypted_with_the_key_that_is_named(sagemaker, s3, cloud, processes, steps):
    key = connect(cloud, "kms").create_key(Policy=ANYBODY)["KeyMetadata"]["Arn"]
    running(sagemaker, steps, **outputs(taken(), taken("c", "/opt/ml/processing/c", "Continuous"), KmsKeyId=key))
    for name in ("output/a", "c/b"):
        (processes.ml() / f"processing/{name}").write_text("x")
    processes.end(0)
    steps(WHOLE)
    assert described(sagemaker)["ProcessingJobStatus"] == "Completed", described(sagemaker)
    for name in ("made/a", "made/b"):
        assert s3.head_object(Bucket="sagemaker-data", Key=name)["SSEKMSKeyId"] == key


ANYBODY = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}]}
)


def test_an_isolated_program_is_told_nothing_of_aws(sagemaker, processes, steps):
    running(sagemaker, steps, count=2, NetworkConfig={"EnableNetworkIsolation": True})
    launch = processes.launched[processes.one()]
    assert launch.isolated and launch.together and not [name for name in launch.env if name.startswith("AWS_")]


def test_what_the_application_manages_itself_is_left_to_it(sagemaker, s3, processes, steps):
    put(s3, "in/a")
    running(
        sagemaker,
        steps,
        ProcessingInputs=[brought() | {"AppManaged": True}],
        **outputs(taken() | {"AppManaged": True}),
    )
    assert not (processes.ml() / "processing/input").exists()
    processes.end(0)
    steps(WHOLE)
    assert described(sagemaker)["ProcessingJobStatus"] == "Completed"


# real programs


ALL = """
set -e; cd ${SAGEMAKER_BASE_DIR:-/opt/ml}
me=$(python3 -c "import json; print(json.load(open('config/resourceconfig.json'))['current_host'])")
which pip | grep -q environment/bin; python3 -c "import sklearn"; cat processing/input/data/* > processing/output/$me
echo done by $me; echo fine > output/message
"""


def test_two_real_programs_share_the_work(real_cloud):
    sagemaker, s3 = connect(real_cloud, "sagemaker"), connect(real_cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    put(s3, "in/a", "in/b")
    s3.put_object(Bucket="sagemaker-data", Key="code/run.sh", Body=ALL)
    code = brought("code", "s3://sagemaker-data/code/", "/opt/ml/processing/input/code")
    sagemaker.create_processing_job(
        **request(
            application={"ContainerEntrypoint": ["/bin/bash", "/opt/ml/processing/input/code/run.sh"]},
            count=2,
            ProcessingInputs=[brought(S3DataDistributionType="ShardedByS3Key"), code],
            **outputs(taken()),
        )
    )
    while (doc := described(sagemaker))["ProcessingJobStatus"] == "InProgress":
        pass
    assert doc["ProcessingJobStatus"] == "Completed", doc.get("FailureReason")
    assert doc["ExitMessage"] == "fine\n"
    made = {key: s3.get_object(Bucket="sagemaker-data", Key=key)["Body"].read() for key in keys(s3, "made/")}
    assert made == {"made/algo-1": b"in/a", "made/algo-2": b"in/b"}

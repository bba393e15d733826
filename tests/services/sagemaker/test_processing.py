"""Processing jobs: what their programs find, what becomes of what they leave behind, and what is refused."""

import json
import re
from dataclasses import replace

from conftest import connect
from services.sagemaker.acted import ROLE, keys
from services.sagemaker.test_training import refused
from services.sagemaker.trained import put

from skylab.compute.processes import Ending
from skylab.services.sagemaker.jobs import runtimes

SKLEARN = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
SPARK = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu"
WHOLE = 6
MORE = "s3://sagemaker-data/more"


def request(name="job", **members):
    application = {"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/run.py"]}
    cluster = {"InstanceCount": members.pop("count", 1), "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    return {
        "ProcessingJobName": name,
        "AppSpecification": application | members.pop("application", {}),
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": ROLE,
    } | members


def brought(name="data", uri="s3://sagemaker-data/in/", local="/opt/ml/processing/input/data", **source):
    given = {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"} | source
    return {"InputName": name, "S3Input": given}


def taken(name="out", local="/opt/ml/processing/output", mode="EndOfJob", uri="s3://sagemaker-data/made"):
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": local, "S3UploadMode": mode}}


def outputs(*each, **more):
    return {"ProcessingOutputConfig": {"Outputs": list(each)} | more}


def described(sagemaker, name="job"):
    return sagemaker.describe_processing_job(ProcessingJobName=name)


def running(sagemaker, steps, **members):
    sagemaker.create_processing_job(**request(**members))
    steps(3)


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


def test_a_job_can_be_stopped_and_has_two_minutes(sagemaker, s3, processes, steps):
    processes.stubborn = True
    running(sagemaker, steps, **outputs(taken()))
    (processes.ml() / "processing/output/a").write_text("half")
    sagemaker.stop_processing_job(ProcessingJobName="job")
    assert described(sagemaker)["ProcessingJobStatus"] == "Stopping"
    steps()
    assert processes.signals == [("algo-1", "TERM")]
    steps(1, seconds=121)
    assert processes.signals[-1] == ("algo-1", "KILL")
    steps(WHOLE)
    assert described(sagemaker)["ProcessingJobStatus"] == "Stopped"
    code, text = refused(sagemaker.stop_processing_job, ProcessingJobName="job")
    assert (code, text) == (
        "ValidationException",
        "The request was rejected because the processing job is in status Stopped.",
    )


def test_a_job_that_takes_too_long_is_stopped(sagemaker, processes, steps):
    running(sagemaker, steps, StoppingCondition={"MaxRuntimeInSeconds": 60})
    steps(1, seconds=50)
    assert processes.signals == []
    steps(1, seconds=15)
    assert processes.signals == [("algo-1", "TERM")]
    steps(WHOLE)
    assert described(sagemaker)["ProcessingJobStatus"] == "Stopped"


def test_one_instance_that_fails_ends_the_others_and_a_lost_one_is_our_fault(sagemaker, processes, steps):
    running(sagemaker, steps, count=2)
    processes.end(1, processes.one("algo-2"))
    steps(WHOLE)
    assert processes.signals == [("algo-1", "KILL")]
    assert described(sagemaker)["FailureReason"].endswith("exit code: 1")
    running(sagemaker, steps, name="lost")
    processes.endings[processes.one()] = Ending(None)
    steps(WHOLE)
    assert described(sagemaker, "lost")["FailureReason"].startswith("InternalServerError: ")


def test_an_input_that_is_not_there_fails_the_job(sagemaker, processes, steps):
    running(sagemaker, steps, ProcessingInputs=[brought(uri="s3://sagemaker-data/none/")])
    steps(2)
    doc = described(sagemaker)
    assert doc["ProcessingJobStatus"] == "Failed" and "No S3 objects found under S3 URL" in doc["FailureReason"]
    assert processes.launched == {}


def test_jobs_are_listed_tagged_and_deleted(sagemaker, processes, steps):
    running(sagemaker, steps, Tags=[{"Key": "team", "Value": "a"}])
    arn = described(sagemaker)["ProcessingJobArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    (line,) = sagemaker.list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]
    assert line["ProcessingJobName"] == "job" and line["ProcessingJobStatus"] == "InProgress"
    assert refused(sagemaker.delete_processing_job, ProcessingJobName="job")[0] == "ResourceInUse"
    assert refused(sagemaker.create_processing_job, **request())[0] == "ResourceInUse"
    processes.end(0)
    steps(WHOLE)
    sagemaker.delete_processing_job(ProcessingJobName="job")
    assert refused(sagemaker.describe_processing_job, ProcessingJobName="job") == (
        "ValidationException",
        "Could not find requested job with name: job",
    )


ATHENA = {"Catalog": "c", "Database": "d", "QueryString": "q", "OutputS3Uri": "s3://b/", "OutputFormat": "PARQUET"}
PREFERENCES = {"VolumeSizeInGB": 1, "InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 1}]}


REFUSED = [
    ({"ProcessingInputs": [brought(S3InputMode="Pipe")]}, "Pipe is not offered"),
    ({"ProcessingInputs": [brought(S3CompressionType="Gzip")]}, "Gzip can only be used with S3InputMode Pipe"),
    ({"ProcessingInputs": [brought(local="/opt/ml/input/data")]}, "must begin with /opt/ml/processing/"),
    ({"ProcessingInputs": [brought(local="/opt/ml/processing/../x")]}, "must begin with /opt/ml/processing/"),
    ({"ProcessingInputs": [{"InputName": "a"}]}, "S3Input is required"),
    ({"ProcessingInputs": [brought(), brought()]}, "must be unique"),
    (
        {"ProcessingInputs": [{"InputName": "a", "DatasetDefinition": {"AthenaDatasetDefinition": ATHENA}}]},
        "DatasetDefinition is not offered",
    ),
    (outputs({"OutputName": "a"}), "S3Output is required"),
    (outputs(taken(local="/tmp/out")), "must be a folder in /opt/ml"),
    (
        outputs({"OutputName": "a", "FeatureStoreOutput": {"FeatureGroupName": "g"}, "AppManaged": True}),
        "FeatureStoreOutput is not offered",
    ),
    ({"ProcessingResources": {"ClusterConfig": PREFERENCES}}, "InstancePreferences is not offered"),
    ({"AppSpecification": {"ImageUri": SKLEARN}}, "ContainerEntrypoint is required"),
    ({"AppSpecification": {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"}}, "is not known here"),
    (outputs(taken(uri="s3://nowhere-sagemaker/x")), "bucket nowhere-sagemaker does not exist"),
]


def test_what_has_no_effect_here_is_refused_by_name(sagemaker):
    for members, words in REFUSED:
        code, text = refused(sagemaker.create_processing_job, **request(**members))
        assert code == "ValidationException" and words in text, (members, text)


def test_spark_needs_its_extra(sagemaker, monkeypatch):
    spark = next(family for family in runtimes.FAMILIES if family.name == "spark")
    monkeypatch.setattr(runtimes, "FAMILIES", [replace(spark, packages=("no-such-package",))])
    code, text = refused(sagemaker.create_processing_job, **request(application={"ImageUri": SPARK}))
    assert code == "ValidationException" and "pip install 'skylab[spark]'" in text


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

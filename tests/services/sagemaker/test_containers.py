import pytest
from botocore.exceptions import ClientError
from endpoint_steps import ECHO, SKLEARN, archive

MORE = """
def model_fn(folder):
    import os
    more = "/opt/ml/additional-model-data-sources"
    found = {name: sorted(os.listdir(f"{more}/{name}")) for name in os.listdir(more)} if os.path.isdir(more) else {}
    return {"model": sorted(os.listdir(folder)), "more": found}

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    return model
"""


def made(hosting, **container):
    hosting.sagemaker.create_model(
        ModelName="m", PrimaryContainer={"Image": SKLEARN} | container, ExecutionRoleArn=hosting.role
    )
    hosting.config("c", ("A", "m", 1, 1))
    return hosting.endpoint("e", "c")


def source(uri, kind="S3Prefix", compression="None", **more):
    return {"S3DataSource": {"S3Uri": uri, "S3DataType": kind, "CompressionType": compression} | more}


def test_a_model_of_many_objects_and_more_beside_it(hosting):
    for key, body in {"m/name": b"n", "m/code/inference.py": MORE.encode(), "more/x/y": b"", "one": b""}.items():
        hosting.s3.put_object(Bucket="models", Key=key, Body=body)
    hosting.s3.put_object(Bucket="models", Key="packed", Body=archive("n", ECHO))
    channels = {
        "tree": source("s3://models/more/"),
        "file": source("s3://models/one", "S3Object"),
        "packed": source("s3://models/packed", "S3Object", "Gzip"),
    }
    more = [{"ChannelName": name} | where for name, where in channels.items()]

    made(hosting, ModelDataSource=source("s3://models/m/"), AdditionalModelDataSources=more)

    found = hosting.ask("e")
    assert found["model"] == ["code", "name"]
    assert found["more"] == {"tree": ["x"], "file": ["one"], "packed": ["code", "name"]}


def test_a_prefix_under_which_nothing_lies_fails_the_endpoint(hosting):
    reason = made(hosting, ModelDataSource=source("s3://models/nothing/"))["FailureReason"]
    assert 'Failed to download model data for container "container-1" from URL: "s3://models/nothing/"' in reason


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"ModelDataSource": source("s3://m/x")}, "must end with a forward slash"),
        ({"ModelDataSource": source("s3://m/x/", compression="Gzip")}, "Gzip needs S3DataType S3Object"),
        ({"ModelDataSource": source("s3://m/x/"), "ModelDataUrl": "s3://m/y"}, "cannot both be given"),
        (
            {"ModelDataSource": source("s3://m/x/", ModelAccessConfig={"AcceptEula": True})},
            "ModelAccessConfig is not offered yet",
        ),
        ({"ModelDataSource": source("s3://m/x/", ManifestS3Uri="s3://m/z")}, "ManifestS3Uri is not offered yet"),
        ({"ImageConfig": {"RepositoryAccessMode": "Vpc"}}, "RepositoryAccessMode Vpc is not offered"),
        ({"ModelPackageName": "p"}, "ModelPackageName is not offered yet"),
    ],
)
def test_model_data_that_cannot_be_is_refused(hosting, container, words):
    with pytest.raises(ClientError, match=words):
        made(hosting, **container)

"""Repositories and their images, through boto3."""

import pytest
from botocore.exceptions import ClientError
from conftest import connect

from skylab.containers.image import Image, digest

REGISTRY = "000000000000"


@pytest.fixture
def ecr(cloud):
    return connect(cloud, "ecr")


@pytest.fixture
def built(cloud):
    """Manifests of images whose layers are there."""
    layers = cloud.world.parts["ecr"]["layers"]

    def build(name, **config):
        layer = digest(name.encode())
        if not layers.has(layer):
            (layers.draft(layer) / "file").write_text(name)
            layers.keep(layer)
        return Image([layer], **config).manifest({layer: layers.size(layer)})

    return build


def refused(code, call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def test_a_repository_is_made_shown_tagged_and_deleted(ecr):
    made = ecr.create_repository(repositoryName="team/model", tags=[{"Key": "a", "Value": "1"}])["repository"]
    assert made["repositoryUri"] == f"{REGISTRY}.dkr.ecr.us-east-1.amazonaws.com/team/model"
    ecr.create_repository(repositoryName="other")

    assert refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="other").endswith(
        f"already exists in the registry with id '{REGISTRY}'"
    )
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 1})
    assert [each["repositoryName"] for page in pages for each in page["repositories"]] == ["other", "team/model"]
    arn = made["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "b", "Value": "2"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "b", "Value": "2"}]
    ecr.delete_repository(repositoryName="team/model")
    refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["team/model"])
    refused("InvalidParameterException", ecr.create_repository, repositoryName="Upper")


def test_a_tag_moves_to_the_image_that_is_put_under_it(ecr, built):
    ecr.create_repository(repositoryName="model")
    first = ecr.put_image(repositoryName="model", imageManifest=built("one"), imageTag="1")["image"]["imageId"]
    second = ecr.put_image(repositoryName="model", imageManifest=built("two"), imageTag="1")["image"]["imageId"]

    shown = {each["imageDigest"]: each for each in ecr.describe_images(repositoryName="model")["imageDetails"]}
    assert shown[second["imageDigest"]]["imageTags"] == ["1"] and shown[second["imageDigest"]]["imageSizeInBytes"] == 3
    assert "imageTags" not in shown[first["imageDigest"]]
    assert ecr.list_images(repositoryName="model", filter={"tagStatus": "TAGGED"})["imageIds"] == [second]
    got = ecr.batch_get_image(repositoryName="model", imageIds=[{"imageTag": "1"}, {"imageTag": "none"}])
    assert got["images"][0]["imageManifest"] == built("two")
    assert got["failures"][0]["failureCode"] == "ImageNotFound"
    refused(
        "ImageAlreadyExistsException", ecr.put_image, repositoryName="model", imageManifest=built("two"), imageTag="1"
    )


def test_tags_of_an_immutable_repository_stay(ecr, built):
    ecr.create_repository(repositoryName="model", imageTagMutability="IMMUTABLE")
    ecr.put_image(repositoryName="model", imageManifest=built("one"), imageTag="1")

    refused(
        "ImageTagAlreadyExistsException",
        ecr.put_image,
        repositoryName="model",
        imageManifest=built("two"),
        imageTag="1",
    )


def test_an_image_goes_with_its_last_tag_and_a_repository_with_its_images_only_by_force(ecr, built):
    ecr.create_repository(repositoryName="model")
    for tag in ("1", "2"):
        ecr.put_image(repositoryName="model", imageManifest=built("one"), imageTag=tag)
    refused("RepositoryNotEmptyException", ecr.delete_repository, repositoryName="model")

    ecr.batch_delete_image(repositoryName="model", imageIds=[{"imageTag": "1"}])
    assert ecr.describe_images(repositoryName="model")["imageDetails"][0]["imageTags"] == ["2"]
    ecr.batch_delete_image(repositoryName="model", imageIds=[{"imageTag": "2"}])
    assert ecr.describe_images(repositoryName="model")["imageDetails"] == []
    refused("ImageNotFoundException", ecr.describe_images, repositoryName="model", imageIds=[{"imageTag": "2"}])


def test_a_manifest_of_elsewhere_and_layers_that_were_not_built_are_refused(ecr, built):
    ecr.create_repository(repositoryName="model")
    foreign = Image([digest(b"elsewhere")]).manifest({digest(b"elsewhere"): 1})

    refused("LayersNotFoundException", ecr.put_image, repositoryName="model", imageManifest=foreign)
    for text in ("{}", "no json", foreign.replace("sha256:", "../")):
        refused("InvalidParameterException", ecr.put_image, repositoryName="model", imageManifest=text)


def test_a_repositorys_policy_is_kept_and_a_malformed_one_refused(ecr):
    ecr.create_repository(repositoryName="model")
    refused("RepositoryPolicyNotFoundException", ecr.get_repository_policy, repositoryName="model")
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}'

    ecr.set_repository_policy(repositoryName="model", policyText=text)
    assert ecr.get_repository_policy(repositoryName="model")["policyText"] == text
    refused("InvalidParameterException", ecr.set_repository_policy, repositoryName="model", policyText="{")
    ecr.delete_repository_policy(repositoryName="model")
    refused("RepositoryPolicyNotFoundException", ecr.get_repository_policy, repositoryName="model")

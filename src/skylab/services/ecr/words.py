"""How ECR says no (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html)."""

from typing import Any

from skylab.wire.errors import AwsError


def no_repository(name: str, account: str) -> AwsError:
    text = f"The repository with name '{name}' does not exist in the registry with id '{account}'"
    return AwsError("RepositoryNotFoundException", text)


def repository_exists(name: str, account: str) -> AwsError:
    text = f"The repository with name '{name}' already exists in the registry with id '{account}'"
    return AwsError("RepositoryAlreadyExistsException", text)


def not_empty(name: str, account: str) -> AwsError:
    text = f"The repository with name '{name}' in registry with id '{account}' cannot be deleted because it still "
    return AwsError("RepositoryNotEmptyException", f"{text}contains images")


def no_image(image: Any, name: str, account: str) -> AwsError:
    text = (
        f"The image with imageId {{imageDigest:'{image.get('imageDigest', 'null')}', "
        f"imageTag:'{image.get('imageTag', 'null')}'}} does not exist within the repository with name '{name}' in the "
        f"registry with id '{account}'"
    )
    return AwsError("ImageNotFoundException", text)


def image_exists(digest: str, tag: str, name: str, account: str) -> AwsError:
    text = (
        f"Image with digest '{digest}' and tag '{tag}' already exists in the repository with name '{name}' in registry "
        f"with id '{account}'"
    )
    return AwsError("ImageAlreadyExistsException", text)


def tag_taken(tag: str, name: str, account: str) -> AwsError:
    text = (
        f"The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the "
        "repository is immutable."
    )
    return AwsError("ImageTagAlreadyExistsException", text)


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterException", text)

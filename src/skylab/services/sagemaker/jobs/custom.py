"""Images of one's own: pulled from ECR as the execution role, and what runs for them.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from skylab.containers import layers
from skylab.containers.image import Image, NoImage, read
from skylab.wire.errors import AwsError, invalid

Pull = Callable[[str], Image | None]
NAME = re.compile(r"(?:[^/]*[.:][^/]*/)?(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?")
FOLDER = "images/layers"  # in the cloud's folder


def puller(ecr: Callable[[], Any]) -> Pull:
    """What brings the image of a URI; None where there is none. ecr: a client that acts as the execution role.
    Raises AwsError where the role may not pull it."""

    def pull(uri: str) -> Image | None:
        if not (match := NAME.fullmatch(uri)):
            return None
        digest = match["digest"]
        wanted = {"imageDigest": digest} if digest else {"imageTag": match["tag"] or "latest"}
        try:
            found = ecr().batch_get_image(repositoryName=match["repository"], imageIds=[wanted])["images"]
            return read(found[0]["imageManifest"]) if found else None
        except ClientError as problem:
            error = problem.response["Error"]
            if error["Code"] == "AccessDeniedException":
                raise invalid(f"Cannot access ECR image {uri}: {error['Message']}") from None
            return None
        except (AwsError, NoImage):
            return None

    return pull


def seed(root: Path, image: Image, ml: Path) -> None:
    """What the image has in /opt/ml lies there too, under what the job brings; before its program runs."""
    for digest in image.layers:
        source = root / FOLDER / layers.name(digest) / "opt/ml"
        if source.is_dir() and not source.is_symlink():
            _lay(source, ml)


def _lay(source: Path, target: Path) -> None:
    for name in os.listdir(source):
        each, to = source / name, target / name
        if each.is_dir() and not each.is_symlink():
            if not to.is_symlink() and (to.is_dir() or not to.exists()):
                to.mkdir(exist_ok=True)
                _lay(each, to)
        elif (each.is_file() or each.is_symlink()) and not os.path.lexists(to):
            shutil.copy2(each, to, follow_symlinks=False)

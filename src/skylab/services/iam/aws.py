"""AWS's own managed policies, read from the files beside this one (managed/README.md says where they are from)."""

import json
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

PREFIX = "arn:aws:iam::aws:policy/"
SERVICE_ROLE = "/aws-service-role/"


def aws_policy(arn: str) -> dict[str, Any] | None:
    """One by its ARN, as the store would hold a customer's: its members and, under "_", its version with the text."""
    found = aws_policies().get(arn.rsplit("/", 1)[-1]) if arn.startswith(PREFIX) else None
    return found if found is not None and found["Arn"] == arn else None


@cache
def aws_policies() -> dict[str, dict[str, Any]]:
    """All of them, by name, in the order of their names. Nobody changes them: they are shared."""
    files = (file for file in resources.files(__package__).joinpath("managed").iterdir() if file.name.endswith(".json"))
    return {file.name[:-5]: _read(file.name[:-5], file.read_text()) for file in sorted(files, key=lambda f: f.name)}


def _read(name: str, text: str) -> dict[str, Any]:
    kept = json.loads(text)
    changed = datetime.fromisoformat(kept["UpdateDate"])
    version = {
        "VersionId": kept["DefaultVersionId"],
        "CreateDate": changed,
        "Document": json.dumps(kept["Document"], indent=4),
    }
    return {
        "PolicyName": name,
        "Arn": f"arn:aws:iam::aws:policy{kept['Path']}{name}",
        "Path": kept["Path"],
        "DefaultVersionId": kept["DefaultVersionId"],
        "IsAttachable": True,
        "CreateDate": datetime.fromisoformat(kept["CreateDate"]),
        "UpdateDate": changed,
        "_": {"versions": [version]},
    }

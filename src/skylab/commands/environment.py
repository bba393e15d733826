"""What a program needs in its environment to find the local cloud instead of AWS."""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from skylab.root import Refused, Root, Server, replace

# What would lead an SDK elsewhere although our variables are set.
STRAY = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ROLE_ARN"}
STRAY |= {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"}
TELEMETRY = "SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n"


def basic(root: Root, server: Server, inherited: Mapping[str, str] = os.environ, https: bool = False) -> dict[str, str]:
    """Endpoint, credentials and whom to trust: enough for every SDK that honours AWS_ENDPOINT_URL."""
    given = root.credentials()
    variables = {
        "AWS_ENDPOINT_URL": server.https_url if https else server.url,
        "AWS_CA_BUNDLE": str(bundle(root, inherited)),
        "AWS_ACCESS_KEY_ID": given.key,
        "AWS_SECRET_ACCESS_KEY": given.secret,
        "AWS_SESSION_TOKEN": given.token,
        "AWS_REGION": given.region,
        "AWS_DEFAULT_REGION": given.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {name: value for name, value in variables.items() if value}


def full(root: Root, server: Server, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A whole environment in which hard-coded https://….amazonaws.com addresses lead to the local cloud as well."""
    proxy, authority = f"http://127.0.0.1:{server.proxy_port}", str(bundle(root, inherited))
    telemetry = root.path / "sagemaker.yaml"
    replace(telemetry, TELEMETRY)
    kept = {
        name: value
        for name, value in inherited.items()
        if name not in STRAY and not name.startswith("AWS_ENDPOINT_URL_") and name != "AWS_SESSION_TOKEN"
    }
    return (
        kept
        | basic(root, server, inherited)
        | dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy)
        | dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        | dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), authority)
        | {"SAGEMAKER_USER_CONFIG_OVERRIDE": str(telemetry)}
    )


def bundle(root: Root, inherited: Mapping[str, str]) -> Path:
    """The authorities that the user trusts already (a company's own included), and ours."""
    ours, target = root.path / "authority" / "ca.pem", root.path / "ca-bundle.pem"
    named = (inherited.get(name) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    theirs = next((Path(name) for name in named if name and Path(name).is_file() and Path(name) != target), None)
    if theirs is None:
        from botocore.httpsession import get_cert_path  # certifi's where it is installed, else botocore's own

        theirs = Path(get_cert_path(True))
    try:
        replace(target, theirs.read_text() + "\n" + ours.read_text())
    except FileNotFoundError as error:
        raise Refused(f"{error.filename} is missing: restart Skylab, it makes it anew.") from None
    return target


def written(variables: Mapping[str, str], shell: str) -> str:
    """The variables as lines that a shell evaluates, or as JSON."""
    if shell == "json":
        return json.dumps(variables, indent=2)
    if shell == "fish":
        return "\n".join(f"set -gx {name} {_fish(value)};" for name, value in variables.items())
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

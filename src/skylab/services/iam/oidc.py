"""OpenID Connect providers: whose web identity tokens STS may believe, and for which audiences.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.names import docs, key_of, make, no_such, too_many
from skylab.services.iam.tagging import tagged
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

CLIENTS, THUMBPRINTS = 100, 5
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
SHOWN = ("Url", "ClientIDList", "ThumbprintList", "CreateDate", "Tags")


class Providers:
    def create_open_id_connect_provider(
        self, call: Call, request: CreateOpenIDConnectProviderRequest
    ) -> dict[str, Any]:
        url = _checked(request["Url"])
        key = key_of(call.account, "oidc-provider", url.split("://", 1)[1])
        doc: dict[str, Any] = {
            "Arn": f"arn:aws:iam::{call.account}:oidc-provider/{key.name}",
            "Path": "/",
            "Url": key.name,  # as AWS shows it, without its scheme
            "ClientIDList": _clients(request.get("ClientIDList", [])),
            "ThumbprintList": _thumbprints(request.get("ThumbprintList", [])),
            "CreateDate": call.now,
            "_": {"issuer": url},
        } | tagged(request)
        with call.writing() as tx:
            make(tx, key, doc, call.now)
        return {"OpenIDConnectProviderArn": doc["Arn"], "Tags": doc.get("Tags", [])}

    def get_open_id_connect_provider(self, call: Call, request: GetOpenIDConnectProviderRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = provider(tx, call.account, request["OpenIDConnectProviderArn"])[1]
        return {member: doc[member] for member in SHOWN if member in doc}

    def list_open_id_connect_providers(self, call: Call, request: ListOpenIDConnectProvidersRequest) -> dict[str, Any]:
        with call.reading() as tx:
            found = [{"Arn": doc["Arn"]} for doc in docs(tx, call.account, "oidc-provider")]
        return {"OpenIDConnectProviderList": found}

    def delete_open_id_connect_provider(self, call: Call, request: DeleteOpenIDConnectProviderRequest) -> None:
        with call.writing() as tx:
            tx.delete(provider(tx, call.account, request["OpenIDConnectProviderArn"])[0])

    def add_client_id_to_open_id_connect_provider(
        self, call: Call, request: AddClientIDToOpenIDConnectProviderRequest
    ) -> None:
        with call.writing() as tx:
            key, doc = provider(tx, call.account, request["OpenIDConnectProviderArn"])
            clients = _clients([*doc["ClientIDList"], request["ClientID"]])
            tx.put(key, doc | {"ClientIDList": clients}, call.now)

    def remove_client_id_from_open_id_connect_provider(
        self, call: Call, request: RemoveClientIDFromOpenIDConnectProviderRequest
    ) -> None:
        with call.writing() as tx:
            key, doc = provider(tx, call.account, request["OpenIDConnectProviderArn"])
            clients = [each for each in doc["ClientIDList"] if each != request["ClientID"]]
            tx.put(key, doc | {"ClientIDList": clients}, call.now)

    def update_open_id_connect_provider_thumbprint(
        self, call: Call, request: UpdateOpenIDConnectProviderThumbprintRequest
    ) -> None:
        with call.writing() as tx:
            key, doc = provider(tx, call.account, request["OpenIDConnectProviderArn"])
            tx.put(key, doc | {"ThumbprintList": _thumbprints(request["ThumbprintList"])}, call.now)


def provider(tx: Transaction, account: str, arn: str) -> tuple[Key, dict[str, Any]]:
    """One of the account's. Raises NoSuchEntity."""
    key = key_of(account, "oidc-provider", arn.split(":oidc-provider/", 1)[-1])
    doc = tx.find(key)
    if doc is None or doc["Arn"] != arn:
        raise no_such(f"OpenIDConnect Provider not found for arn {arn}")
    return key, doc


def _checked(url: str) -> str:
    """https, as in AWS; http only for an issuer on this machine."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if (parts.scheme != "https" and not plain) or not parts.hostname:
        raise AwsError("ValidationError", "Invalid Open ID Connect Provider URL")
    if parts.query or parts.fragment or parts.username or not re.fullmatch(r"[!-~]+", url):
        raise AwsError("ValidationError", "Invalid Open ID Connect Provider URL")
    return url.rstrip("/")


def _clients(ids: list[str]) -> list[str]:
    if len(unique := list(dict.fromkeys(ids))) > CLIENTS:
        raise too_many("ClientIdsPerOpenIdConnectProvider", CLIENTS)
    return unique


def _thumbprints(given: list[str]) -> list[str]:
    if len(given) > THUMBPRINTS:
        raise AwsError("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    if not all(re.fullmatch("[0-9A-Fa-f]{40}", each) for each in given):
        raise AwsError("ValidationError", "Thumbprint must be 40 hexadecimal digits.")
    return [each.lower() for each in given]

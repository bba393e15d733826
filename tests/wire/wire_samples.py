"""Parameters for any shape, and botocore's own side of the wire: what the tests measure ours against."""

import random
from datetime import UTC, datetime
from urllib.parse import urlsplit

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from skylab.wire.http import HttpRequest

TEXTS = [
    "a",
    "b c",
    "ü/ß",
    "x&y=<z>",
    "100%",
    "a+b",
    "{}",
    "[1, 2]",
    "日本",
    "😀",
    'q"uo',
    "it's",
    "two\nlines",
    "a//b/",
]
HEADERS = ["a", "b c", "x&y=<z>", "100%", "a+b", "{}", 'q"uo', "text/plain"]
PLAIN = ["a", "bc", "d-1"]


def sample(shape, dice, texts=TEXTS, depth=0):
    """A value of the shape; None where it would nest too deeply. Constraints are not looked at: the wire has none."""
    match shape.type_name:
        case "structure":
            return None if depth > 4 else _structure(shape, dice, texts, depth)
        case "list":
            items = [sample(shape.member, dice, texts, depth + 1) for _ in range(dice.randint(1, 3))]
            return None if None in items or {} in items else items
        case "map":
            value = sample(shape.value, dice, texts, depth + 1)
            return None if value in (None, {}) else {key: value for key in dice.sample(PLAIN, dice.randint(1, 2))}
        case "boolean":
            return dice.random() < 0.5
        case "integer":
            return dice.choice([0, 1, -1, 42, 2**31 - 1, -(2**31)])
        case "long":
            return dice.choice([0, 1, 2**63 - 1, -(2**63)])
        case "float" | "double":
            return dice.choice([0.0, 1.5, -2.25, 1e300, 1e-9])
        case "timestamp":
            return datetime.fromtimestamp(dice.randint(0, 2**32), UTC)
        case "blob":
            return dice.choice([b"", b"bytes", bytes(range(256))])
    return dice.choice(texts)


def _structure(shape, dice, texts, depth):
    result = {}
    chosen = [name for name in shape.members if name in shape.required_members or dice.random() < 0.5]
    union = getattr(shape, "is_tagged_union", False)
    if union:
        chosen = [dice.choice(list(shape.members))]
    for name in chosen:
        member = shape.members[name]
        place = member.serialization.get("location")
        if member.serialization.get("eventstream") or member.serialization.get("eventpayload"):
            continue
        if place == "statusCode" or member.serialization.get("name") == "Content-Length":
            continue  # what the answer and the body decide themselves
        if (value := sample(member, dice, _texts(member, texts), depth + 1)) is not None:
            result[name] = value
    return None if union and not result else result


def _texts(member, texts):
    if member.serialization.get("hostLabel"):
        return PLAIN
    return HEADERS if member.serialization.get("location") in ("header", "headers") else texts


def pruned(value):
    """Without empty collections and structures: half of the formats have no way to say them."""
    if isinstance(value, dict):
        kept = {k: pruned(v) for k, v in value.items() if k != "ContentLength"}
        return {k: v for k, v in kept.items() if v not in ({}, [])}
    if isinstance(value, list):
        return [kept for item in value if (kept := pruned(item)) not in ({}, [])]
    return value


def request_of(operation, params, protocol):
    """What boto3 would send."""
    serializer = create_serializer(protocol, include_validation=False)
    wire = serializer.serialize_to_request(params, operation)
    wire.pop("host_prefix", None)
    wire.setdefault("context", {})
    prepare_request_dict(wire, "http://localhost")
    sent = create_request_object(wire).prepare()
    url, body = urlsplit(sent.url), sent.body or b""
    headers = {k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in sent.headers.items()}
    return HttpRequest(sent.method, url.path, url.query, headers, body.encode() if isinstance(body, str) else body)


def parsed(operation, response, protocol, shape=None):
    """What boto3 would make of the answer."""
    answer = {
        "status_code": response.status,
        "headers": HeadersDict(response.headers),
        "body": response.body,
        "context": {"operation_name": operation.name if operation is not None else ""},
    }
    shape = shape or (operation.output_shape if operation is not None else None)
    return create_parser(protocol).parse(answer, shape)


def dice(seed):
    return random.Random(seed)

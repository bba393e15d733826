"""Names: of buckets (strict), of keys (any UTF-8), and the order in which S3 lists them (of their UTF-8 bytes)."""

import ipaddress
import re

from skylab.wire.errors import AwsError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIXES = ("xn--", "sthree-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
KEY_BYTES = 1024
_HIGHEST = chr(0x10FFFF)


def check_bucket(name: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    bad = not _BUCKET.fullmatch(name) or ".." in name or _is_address(name)
    if bad or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, BucketName=name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def check_key(key: str) -> None:
    size = len(key.encode(errors="surrogatepass"))
    if size > KEY_BYTES:
        raise AwsError("KeyTooLongError", "Your key is too long", 400, Size=str(size), MaxSizeAllowed=str(KEY_BYTES))


def after(prefix: str) -> str | None:
    """The smallest name that is larger than everything beginning with prefix; None when there is none."""
    prefix = prefix.rstrip(_HIGHEST)
    if not prefix:
        return None
    point = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if point == 0xD800 else point)  # surrogates are no characters

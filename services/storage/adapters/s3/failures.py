"""What a store's errors mean for us, in our words: never its text, an address or a key."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from services.storage.ports import ObjectMissing
from shared.outcomes import TryLater

_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
_MISSING = {"NoSuchKey", "404", "NotFound"}
_EXISTS = {"PreconditionFailed", "412"}
_UNKNOWN = {"NotImplemented", "501"}
_REFUSED = {
    "NoSuchBucket": "has no such bucket",
    "InvalidBucketName": "has no such bucket",
    "InvalidAccessKeyId": "does not know our access key",
    "SignatureDoesNotMatch": "finds our secret key wrong",
    "AccessDenied": "does not let us",
    "AllAccessDisabled": "does not let us",
    "Forbidden": "does not let us",
    "403": "does not let us",
    "Unauthorized": "does not let us",
    "401": "does not let us",
    "ExpiredToken": "finds our credentials expired",
    "InvalidToken": "finds our credentials wrong",
}
_HINTS = {"RequestTimeTooSkewed": "finds our clock wrong"}


class Exists(Exception):
    """Something has this key already."""


class NotImplementedThere(Exception):
    """The store does not know what we asked for, and says so."""


class Refused(TryLater):
    """The store answered that our settings are wrong. Trying again helps once they are right."""

    def __init__(self, code: str) -> None:
        super().__init__(f"object store: {_REFUSED[code]} ({code})")
        self.code = code


def meaning(error: ClientError) -> Exception:
    """What to raise instead of the store's own error: one of ours, or a TryLater."""
    code = code_of(error.response)
    if code in _UNKNOWN:
        return NotImplementedThere(code)
    if code in _MISSING:
        return ObjectMissing(code)
    if code in _EXISTS:
        return Exists(code)
    if code in _REFUSED:
        return Refused(code)
    hint = _HINTS.get(code)
    return TryLater(f"object store: {hint} ({code})" if hint else f"object store: {code}")


def code_of(response: Mapping[str, Any]) -> str:
    """The error's code, if it looks like one, else the HTTP status."""
    code = str(response.get("Error", {}).get("Code", ""))
    if _CODE.fullmatch(code) and code != "Unknown":
        return code
    return str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", "no answer"))

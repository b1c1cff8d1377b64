"""Places in a list, opaque to those who hand them back."""

import base64
import binascii
import json
from datetime import datetime

from shared.problems import Problem


def encode(*key: str | int | datetime) -> str:
    """The place after the row with this sort key."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_moment(cursor: str) -> tuple[datetime, str]:
    """A place in a list by time and id. Raises Problem 422 for what we did not hand out."""
    try:
        moment, ident = _parts(cursor)
        return datetime.fromisoformat(moment), str(ident)
    except (ValueError, TypeError) as exc:
        raise _invalid() from exc


def decode_index(cursor: str) -> int:
    """A place in a list by index. Raises Problem 422 for what we did not hand out."""
    try:
        (index,) = _parts(cursor)
        return int(index)
    except (ValueError, TypeError) as exc:
        raise _invalid() from exc


def _parts(cursor: str) -> list[str]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error as exc:
        raise ValueError("not base64") from exc
    parts: list[str] = json.loads(raw)
    return parts


def _invalid() -> Problem:
    return Problem(422, "invalid_cursor", "This cursor was not given by this list.", field="cursor")

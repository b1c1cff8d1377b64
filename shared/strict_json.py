"""JSON as strangers send it: what two readers could understand differently is refused."""

import json
import math
import re
from typing import Any, Literal, NoReturn

MAX_DEPTH = 32
"""Objects and arrays inside each other; no order needs more than four."""

StrictJsonCode = Literal[
    "json_invalid", "duplicate_member", "too_deep", "lone_surrogate", "control_character"
]

_SENTENCES: dict[StrictJsonCode, str] = {
    "json_invalid": "This is not JSON in UTF-8",
    "duplicate_member": "An object names a member twice",
    "too_deep": f"Nested deeper than {MAX_DEPTH} levels",
    "lone_surrogate": "A text holds half of a surrogate pair, which is no character",
    "control_character": "A text holds a control character other than tab and line ends",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MAX_PART = 60


class StrictJsonError(ValueError):
    """Refused: a stable `code`, and the `place` as dotted members, empty for the whole text.

    `str()` of it is a sentence for people that never quotes a value.
    """

    def __init__(self, code: StrictJsonCode, place: str = "") -> None:
        super().__init__(_SENTENCES[code])
        self.code = code
        self.place = place


class _Members(list[tuple[str, Any]]):
    """An object as it was written, before anybody decides which of two equal names counts."""


def parse(text: bytes) -> Any:
    """Read one JSON value (RFC 8259, UTF-8). Raises StrictJsonError.

    Beyond the grammar it refuses duplicate members, lone surrogates, control characters in texts
    and names, numbers that are not finite, and what is nested deeper than `MAX_DEPTH`.
    """
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_Members,
            parse_constant=_no_number,
            parse_float=_finite,
        )
    except RecursionError:
        raise StrictJsonError("too_deep") from None
    except StrictJsonError:
        raise
    except ValueError:
        # Also integers of thousands of digits and bytes that are not UTF-8. The cause would quote.
        raise StrictJsonError("json_invalid") from None
    return _checked(value, ())


def _checked(value: Any, path: tuple[str, ...]) -> Any:
    match value:
        case str():
            _check_text(value, path)
        case _Members():
            _check_depth(path)
            return _as_object(value, path)
        case list():
            _check_depth(path)
            return [_checked(item, (*path, str(index))) for index, item in enumerate(value)]
    return value


def _as_object(members: _Members, path: tuple[str, ...]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in members:
        # Its own name cannot tell the place before it is known to be harmless.
        _check_text(name, path)
        here = (*path, name[:_MAX_PART])
        if name in known:
            raise StrictJsonError("duplicate_member", ".".join(here))
        known[name] = _checked(value, here)
    return known


def _check_text(text: str, path: tuple[str, ...]) -> None:
    if _SURROGATE.search(text):
        raise StrictJsonError("lone_surrogate", ".".join(path))
    if _CONTROL.search(text):
        raise StrictJsonError("control_character", ".".join(path))


def _check_depth(path: tuple[str, ...]) -> None:
    if len(path) >= MAX_DEPTH:
        raise StrictJsonError("too_deep", ".".join(path))


def _no_number(_: str) -> NoReturn:
    raise StrictJsonError("json_invalid")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise StrictJsonError("json_invalid")
    return number

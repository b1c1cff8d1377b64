"""Facts on the wire: CloudEvents 1.0 in binary mode, as the NATS protocol binding has it.

Attributes travel as headers `ce-*` (https://github.com/cloudevents/spec, NATS binding), the body
is the fact as plain JSON. Headerless JSON is read too: the subject already tells the kind.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from shared.events import Fact
from shared.outcomes import BadInput

MAX_BODY_BYTES = 256 * 1024
_TYPE_PREFIX = "atelier."

F = TypeVar("F", bound=Fact)


def event_id(fact: Fact) -> str:
    """The same fact has the same id, whoever writes it and however often."""
    return "/".join((fact.NAME, *fact.subject_tokens))


def event_type(fact: type[Fact]) -> str:
    """CloudEvents type, for example `atelier.image.generated.v1`."""
    return f"{_TYPE_PREFIX}{fact.NAME}.v{fact.VERSION}"


def encode(fact: Fact) -> bytes:
    """The body of a fact: JSON without surprises (ISO times, no NaN)."""
    return fact.model_dump_json().encode()


def headers(fact: Fact, *, source: str, at: datetime) -> dict[str, str]:
    """CloudEvents attributes for a fact written at `at` by `source`."""
    return {
        "ce-specversion": "1.0",
        "ce-id": event_id(fact),
        "ce-type": event_type(type(fact)),
        "ce-source": source,
        "ce-time": at.isoformat(),
        "ce-subject": "/".join(fact.subject_tokens),
        "content-type": "application/json",
    }


def decode(fact: type[F], body: bytes, attributes: Mapping[str, str]) -> F:
    """Read a fact. Raises BadInput with a stable reason for everything that is not one."""
    if len(body) > MAX_BODY_BYTES:
        raise BadInput("too_large", f"{len(body)} bytes, at most {MAX_BODY_BYTES}")
    kind = attributes.get("ce-type")
    if kind is not None and kind != event_type(fact):
        raise BadInput("unknown_type", f"expected {event_type(fact)}, got {kind[:80]!r}")
    try:
        return fact.model_validate_json(body)
    except ValidationError as exc:
        raise BadInput("invalid_body", first_error(exc)) from exc


def first_error(exc: ValidationError) -> str:
    """Where it fails first and in what way, for the detail of a dead letter."""
    # Never the offending input: it may hold anything, secrets included.
    error = exc.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in error["loc"]) or "body"
    return f"{place}: {error['type']} ({exc.error_count()} errors)"

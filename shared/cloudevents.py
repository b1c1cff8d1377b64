"""CloudEvents 1.0 as other systems send them over NATS: binary, structured, or not at all.

https://github.com/cloudevents/spec, NATS protocol binding: binary mode has the attributes in
headers `ce-*`, percent-encoded, and the data as body; structured mode has one JSON object of the
media type `application/cloudevents+json`. Plain JSON without attributes is read as data.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from shared import strict_json
from shared.outcomes import BadInput
from shared.wire import MAX_BODY_BYTES, first_error

_MEDIA_TYPE = "application/cloudevents"
_STRUCTURED = f"{_MEDIA_TYPE}+json"
_PREFIX = "ce-"
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]+$"
_UNBROKEN = r"^[^\s\x00-\x1f\x7f-\x9f]+$"

EventSource = Annotated[str, StringConstraints(max_length=200, pattern=_UNBROKEN)]
EventId = Annotated[str, StringConstraints(max_length=100, pattern=_PLAIN)]


class Attributes(BaseModel):
    """What a sender says about its event. Other attributes, extensions too, are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    specversion: Literal["1.0"] = "1.0"
    id: EventId | None = None
    source: EventSource | None = None
    type: str | None = None


class _Envelope(Attributes):
    """An event in structured mode; there the specification asks for all of it."""

    specversion: Literal["1.0"]
    id: EventId
    source: EventSource
    type: str
    data: Any


A = TypeVar("A", bound=Attributes)


def read_event(headers: Mapping[str, str], body: bytes) -> tuple[Attributes, Any]:
    """The attributes and the data of an event in any of its forms. Names of headers have no case.

    Raises BadInput: too_large, invalid_json, not_cloudevents.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadInput("too_large", f"{len(body)} bytes, at most {MAX_BODY_BYTES}")
    named = _without_case(headers)
    media_type = named.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _STRUCTURED:
        envelope = _attributes(_Envelope, _parsed(body))
        return envelope, envelope.data
    if media_type.startswith(_MEDIA_TYPE):
        raise BadInput("not_cloudevents", "of the structured formats only JSON is read, one event")
    said = {
        name.removeprefix(_PREFIX): _decoded(name, value)
        for name, value in named.items()
        if name.startswith(_PREFIX)
    }
    return _attributes(Attributes, said), _parsed(body)


def _without_case(headers: Mapping[str, str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for name, value in headers.items():
        if named.setdefault(name.lower(), value) != value:
            raise BadInput("not_cloudevents", f"two different headers {name.lower()[:40]}")
    return named


def _decoded(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise BadInput("not_cloudevents", f"{name[:40]}: not percent-encoded UTF-8") from None


def _parsed(body: bytes) -> Any:
    try:
        return strict_json.parse(body)
    except strict_json.StrictJsonError as exc:
        raise BadInput("invalid_json", f"{exc.place or 'body'}: {exc.code}") from None


def _attributes(model: type[A], said: Any) -> A:
    try:
        return model.model_validate(said)
    except ValidationError as exc:
        raise BadInput("not_cloudevents", first_error(exc)) from None

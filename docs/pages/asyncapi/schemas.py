"""Payloads: the schema of every model, under the name it is referred to."""

from typing import Any

from pydantic.json_schema import models_json_schema

from docs.pages.asyncapi.parties import WRITTEN_OUTSIDE
from shared import calls
from shared.content import Value
from shared.deadletters import DeadLetter
from shared.events import FACTS, Fact
from shared.foreign import BODIES
from shared.problems import ProblemDetails
from shared.rpc import Call

_TEXT = {"type": "string"}
_PLACE = "#/components/schemas/"

CALLS: tuple[Call[Any, Any], ...] = tuple(
    sorted(
        (each for each in vars(calls).values() if isinstance(each, Call)),
        key=lambda call: call.name,
    )
)


def payload_of(fact: type[Fact]) -> type[Value]:
    """What is the body of a fact on the wire: whoever writes from outside says less."""
    return BODIES[fact] if fact in WRITTEN_OUTSIDE else fact


def reference(model: type[Value] | str) -> dict[str, str]:
    """Where a schema is."""
    return {"$ref": _PLACE + (model if isinstance(model, str) else model.__name__)}


def schemas() -> dict[str, Any]:
    """Everything that payloads and headers refer to."""
    asked = [model for call in CALLS for model in (call.request, call.reply)]
    models: set[type[Value]] = {*map(payload_of, FACTS), *asked, DeadLetter, ProblemDetails}
    _, written = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template=_PLACE + "{model}",
    )
    own = {"EventHeaders": _event_headers(), "OutsideHeaders": _outside_headers()}
    return dict(sorted((written["$defs"] | own).items()))


def structured(fact: type[Fact], event_type: str) -> dict[str, Any]:
    """A whole event as one JSON object."""
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _TEXT,
            "source": _TEXT,
            "type": {"const": event_type},
            "data": reference(payload_of(fact)),
        },
    }


def reply(model: type[Value]) -> dict[str, Any]:
    """An answer, as JSON inside of JSON, or the refusal."""
    answer = {
        "type": "string",
        "description": f"JSON text of {model.__name__}",
        "contentMediaType": "application/json",
        "contentSchema": reference(model),
    }
    return {
        "type": "object",
        "properties": {"answer": answer, "problem": reference(ProblemDetails)},
        "oneOf": [{"required": ["answer"]}, {"required": ["problem"]}],
    }


def _event_headers() -> dict[str, Any]:
    names = ("ce-id", "ce-type", "ce-source", "ce-time", "ce-subject", "content-type")
    properties: dict[str, Any] = dict.fromkeys(names, _TEXT)
    return {
        "type": "object",
        "description": "Attributes of CloudEvents 1.0 in binary mode, NATS protocol binding.",
        "required": ["ce-specversion", *names],
        "properties": {
            "ce-specversion": {"const": "1.0"},
            **properties,
            "ce-time": _TEXT | {"format": "date-time"},
            "content-type": {"const": "application/json"},
        },
    }


def _outside_headers() -> dict[str, Any]:
    return {
        "type": "object",
        "description": (
            "Attributes of CloudEvents 1.0 in binary mode. `ce-source` and `ce-id` together tell "
            "an event from all others."
        ),
        "properties": {
            "ce-specversion": {"const": "1.0"},
            "ce-id": _TEXT,
            "ce-source": _TEXT,
            "ce-type": _TEXT,
        },
    }

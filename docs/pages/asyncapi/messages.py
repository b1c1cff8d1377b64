"""Messages: what is on the wire for every fact and every call."""

import inspect
from typing import Any

from docs.pages.asyncapi.parties import WRITTEN_OUTSIDE, tags_of
from docs.pages.asyncapi.schemas import CALLS, payload_of, reference, reply, structured
from shared import wire
from shared.deadletters import DeadLetter
from shared.events import FACTS, Fact
from shared.rpc import Call

_JSON = "application/json"
_STRUCTURED = "application/cloudevents+json"

Message = dict[str, Any]


def message_names(fact: type[Fact]) -> tuple[str, ...]:
    """The forms in which a fact is taken or written; ours have one."""
    name = fact.__name__
    return (name, f"{name}Structured", f"{name}Plain") if fact in WRITTEN_OUTSIDE else (name,)


def request_name(call: Call[Any, Any]) -> str:
    """The message that asks."""
    return f"{call.name}.request"


def reply_name(call: Call[Any, Any]) -> str:
    """The message that answers."""
    return f"{call.name}.reply"


def messages() -> dict[str, Message]:
    """Every message by its name."""
    known: dict[str, Message] = {}
    for fact in FACTS:
        known |= _outside(fact) if fact in WRITTEN_OUTSIDE else _ours(fact)
    known["DeadLetter"] = {
        "name": "dead.letter",
        "summary": summary(DeadLetter),
        "contentType": _JSON,
        "payload": reference(DeadLetter),
        "tags": [{"name": "inside"}],
    }
    for call in CALLS:
        known |= _call(call)
    return known


def summary(documented: object) -> str:
    """The first sentence of its docstring."""
    return inspect.cleandoc(documented.__doc__ or "").partition("\n")[0]


def _ours(fact: type[Fact]) -> dict[str, Message]:
    typed = {"properties": {"ce-type": {"const": wire.event_type(fact)}}}
    headers = {"type": "object", "allOf": [reference("EventHeaders"), typed]}
    return {fact.__name__: _message(fact) | {"headers": headers}}


def _outside(fact: type[Fact]) -> dict[str, Message]:
    binary, whole, plain = message_names(fact)
    said = _message(fact)
    kind = wire.event_type(fact)
    return {
        binary: said | {"title": "binary mode", "headers": reference("OutsideHeaders")},
        whole: said
        | {
            "title": "structured mode",
            "contentType": _STRUCTURED,
            "payload": structured(fact, kind),
        },
        plain: said | {"title": "plain JSON without attributes", "payload": _with_identity(fact)},
    }


def _with_identity(fact: type[Fact]) -> dict[str, Any]:
    # Without attributes, only the body can tell a request from another.
    needs_one = "idempotency_key" in payload_of(fact).model_fields
    identified = {"allOf": [reference(payload_of(fact))], "required": ["idempotency_key"]}
    return identified if needs_one else reference(payload_of(fact))


def _message(fact: type[Fact]) -> Message:
    return {
        "name": wire.event_type(fact),
        "summary": summary(fact),
        "contentType": _JSON,
        "payload": reference(payload_of(fact)),
        "tags": tags_of(fact),
    }


def _call(call: Call[Any, Any]) -> dict[str, Message]:
    tags = [{"name": "inside"}, {"name": "call"}]
    asked = {
        "name": request_name(call),
        "summary": summary(call.request),
        "contentType": _JSON,
        "payload": reference(call.request),
        "tags": tags,
    }
    answered = {
        "name": reply_name(call),
        "summary": summary(call.reply),
        "contentType": _JSON,
        "payload": reply(call.reply),
        "tags": tags,
    }
    return {request_name(call): asked, reply_name(call): answered}

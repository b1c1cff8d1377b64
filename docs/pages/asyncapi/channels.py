"""Channels: the subjects of every fact and every call."""

from typing import Any

from docs.pages.asyncapi.addresses import address, parameters
from docs.pages.asyncapi.messages import message_names, reply_name, request_name, summary
from docs.pages.asyncapi.parties import tags_of
from docs.pages.asyncapi.schemas import CALLS
from shared.content import Lane
from shared.deadletters import DeadLetter
from shared.events import FACTS, DeliveryWithdrawn, Fact
from shared.topology import DEAD_LETTER, Topology

REPLIES = "replies"

_TOPOLOGY = Topology()
_PARAMETERS: dict[str, dict[str, Any]] = {
    "tenant": {"description": "Whose it is; `default` where there is only one tenant."},
    "task_id": {"description": "The task; all its facts can be followed by it."},
    "piece_id": {"description": "The piece."},
    "run": {"description": "Which run of the piece, counted from 1."},
    "lane": {
        "description": "Whether somebody waits for the piece.",
        "enum": [lane.value for lane in Lane],
    },
    "avatar_id": {"description": "The avatar."},
    "attempt_id": {"description": "The provider call."},
    "request_id": {"description": "Chosen by the sender: letters, digits, `_` and `-`."},
    "request_sequence": {"description": "Position of the request in its stream."},
    "reason": {
        "description": "Why the files must go.",
        "enum": list(DeliveryWithdrawn.model_fields["reason"].annotation.__args__),  # type: ignore[union-attr]
    },
    "step": {"description": "Durable name of the consumer that could not read it."},
    "sequence": {"description": "Position of the message in its stream."},
    "hash": {"description": "Beginning of the body's SHA-256."},
}

Channel = dict[str, Any]


def channels() -> dict[str, Channel]:
    """Every channel by its name: facts, dead letters, calls, and where calls are answered."""
    known = {fact.NAME: _of_fact(fact) for fact in FACTS}
    known[DEAD_LETTER] = _dead_letters()
    for call in CALLS:
        known[call.name] = {
            "address": _TOPOLOGY.rpc(call.name),
            "summary": summary(call.request),
            "messages": _messages(request_name(call)),
            "tags": [{"name": "inside"}, {"name": "call"}],
        }
    known[REPLIES] = {
        "address": None,
        "summary": "The inbox that whoever asks names with the request.",
        "messages": _messages(*map(reply_name, CALLS)),
        "tags": [{"name": "inside"}, {"name": "call"}],
    }
    return known


def channel_message(channel: str, message: str) -> dict[str, str]:
    """Where a message of a channel is."""
    return {"$ref": f"#/channels/{channel}/messages/{message}"}


def _of_fact(fact: type[Fact]) -> Channel:
    return {
        "address": address(fact),
        "summary": summary(fact),
        "messages": _messages(*message_names(fact)),
        "parameters": _described(address(fact)),
        "tags": tags_of(fact),
        "x-stream": _TOPOLOGY.stream(fact),
    }


def _dead_letters() -> Channel:
    subject = _TOPOLOGY.dead_letter_subject("{step}", "{sequence}", "{hash}")
    return {
        "address": subject,
        "summary": summary(DeadLetter),
        "messages": _messages("DeadLetter"),
        "parameters": _described(subject),
        "tags": [{"name": "inside"}],
        "x-stream": _TOPOLOGY.dead_letter_stream,
    }


def _described(subject: str) -> dict[str, Any]:
    return {name: _PARAMETERS[name] for name in parameters(subject)}


def _messages(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}

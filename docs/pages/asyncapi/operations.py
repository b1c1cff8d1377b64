"""Operations: what Atelier does at its channels, step by step and call by call."""

from typing import Any

from docs.pages.asyncapi.channels import REPLIES, channel_message
from docs.pages.asyncapi.messages import message_names, reply_name, request_name, summary
from docs.pages.asyncapi.parties import WRITTEN_OUTSIDE, answerers, carriers, tags_of, writers
from docs.pages.asyncapi.schemas import CALLS
from shared.events import FACTS, Fact
from shared.rpc import Call
from shared.topology import DEAD_LETTER, STEPS, Step, Topology

_TOPOLOGY = Topology()

Operation = dict[str, Any]


def operations() -> dict[str, Operation]:
    """Every operation by its name: consumers by their durable names, calls by theirs."""
    known = {step.durable: _take(step) for step in STEPS}
    known |= {f"write.{fact.NAME}": _write(fact) for fact in FACTS if fact not in WRITTEN_OUTSIDE}
    known[f"write.{DEAD_LETTER}"] = {
        "action": "send",
        "summary": "Put aside what cannot be read.",
        "channel": _channel(DEAD_LETTER),
        "messages": [channel_message(DEAD_LETTER, "DeadLetter")],
        "tags": [{"name": "inside"}],
    }
    return known | {f"answer.{call.name}": _answer(call) for call in CALLS}


def _take(step: Step) -> Operation:
    produced = [fact.NAME for fact in step.produces]
    return {
        "action": "receive",
        "summary": summary(step.consumes),
        "channel": _channel(step.consumes.NAME),
        "messages": _messages(step.consumes),
        # Others follow by consumers of their own.
        "tags": [{"name": "outside" if step.consumes in WRITTEN_OUTSIDE else "inside"}],
        "x-services": carriers(step),
        "x-consumer": {
            "durable": step.durable,
            "stream": _TOPOLOGY.stream(step.consumes),
            "filter": _TOPOLOGY.filter_subject(step),
            "ack_wait_s": step.ack_wait_s,
        },
        **({"x-ends-in-one-of": produced} if produced else {}),
    }


def _write(fact: type[Fact]) -> Operation:
    return {
        "action": "send",
        "summary": summary(fact),
        "channel": _channel(fact.NAME),
        "messages": _messages(fact),
        "tags": tags_of(fact),
        "x-services": writers(fact),
    }


def _answer(call: Call[Any, Any]) -> Operation:
    return {
        "action": "receive",
        "summary": summary(call.request),
        "channel": _channel(call.name),
        "messages": [channel_message(call.name, request_name(call))],
        "reply": {
            "address": {"location": "$message.header#/replyTo"},
            "channel": _channel(REPLIES),
            "messages": [channel_message(REPLIES, reply_name(call))],
        },
        "tags": [{"name": "inside"}, {"name": "call"}],
        "x-services": answerers(call),
    }


def _channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{name}"}


def _messages(fact: type[Fact]) -> list[dict[str, str]]:
    return [channel_message(fact.NAME, name) for name in message_names(fact)]

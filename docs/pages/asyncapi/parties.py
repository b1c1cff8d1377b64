"""Who stands on either side of a channel, read off the table of the broker's permissions."""

from typing import Any

from shared.events import Fact
from shared.permissions import ASKED_BY_OTHERS, FOLLOWED, SERVICES
from shared.rpc import Call
from shared.topology import Step

WRITTEN_OUTSIDE = frozenset(ASKED_BY_OTHERS)
"""Facts that other systems write and we take."""

TAGS = (
    {"name": "outside", "description": "Other systems take part: they write it, or may follow it."},
    {"name": "inside", "description": "Between our own services; it may change without notice."},
    {"name": "fact", "description": "Something that happened, written once and kept for a day."},
    {"name": "call", "description": "A question that one service answers for others."},
)


def tags_of(fact: type[Fact]) -> list[dict[str, str]]:
    """Tags of a fact's channel and of what is done there."""
    is_outside = fact in WRITTEN_OUTSIDE or fact in FOLLOWED
    return [{"name": "outside" if is_outside else "inside"}, {"name": "fact"}]


def writers(fact: type[Fact]) -> list[str]:
    """The services that write a fact."""
    return [role.name for role in SERVICES if fact in role.writes]


def carriers(step: Step) -> list[str]:
    """The service that carries a step."""
    return [role.name for role in SERVICES if step in role.carries]


def answerers(call: Call[Any, Any]) -> list[str]:
    """The service that answers a call."""
    return [role.name for role in SERVICES if call in role.answers]

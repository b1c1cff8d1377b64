"""The sound world, with captions that a model wrote: one call for three of its pieces.

An earlier call for the captions of `waiting` was lost. `broken` never came to need any.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.audit.evidence import CaptionEvent
from tests.audit.rows import CAPTIONS, AttemptRow
from tests.audit.spoiling import changed, with_books, with_evidence, with_streams
from tests.audit.streams import FactMessage
from tests.audit.world import World
from tests.audit.worlds import PRICE, REFUSED, SOLD, WAITING, attempt, settled, sound_world

SHARES = {SOLD: 300, REFUSED: 300, WAITING: 301}
TOKENS = {SOLD: 40, REFUSED: 40, WAITING: 42}


def hooks(piece_id: str) -> list[str]:
    """The captions of a piece."""
    return [f"{piece_id}, a line", f"{piece_id}, another line"]


def captions(piece_id: str) -> dict[str, Any]:
    """A piece's captions, with its share of the call."""
    return {
        "source": "model",
        "hooks": hooks(piece_id),
        "provider": "anthropic",
        "attempt_id": f"c-{piece_id}",
        "input_tokens": 10 * TOKENS[piece_id],
        "output_tokens": TOKENS[piece_id],
        "cost_usd_micros": SHARES[piece_id],
    }


def bought(piece_id: str, **more: Any) -> AttemptRow:
    """The row of a piece's share of the call."""
    given: dict[str, Any] = {
        "kind": CAPTIONS,
        "provider": "anthropic",
        "number": 3,
        "cost_usd_micros": SHARES[piece_id],
        "captions": captions(piece_id),
        "image_sha256": None,
        "opened_at": 21.0,
        "settled_at": 21.5,
        "lease_until": 30.0,
    }
    return attempt(f"c-{piece_id}", piece_id, "succeeded", **(given | more))


def told(piece_id: str, **more: Any) -> FactMessage:
    """The settlement of a piece's share."""
    fact = settled(piece_id, f"c-{piece_id}", "succeeded", SHARES[piece_id])
    body = {**fact.body, "image": None, "kind": CAPTIONS, "captions": captions(piece_id)}
    return replace(fact, body=body | more)


def lost() -> AttemptRow:
    """The row of the call that nobody knows the end of."""
    unknown: dict[str, Any] = {"captions": None, "cost_usd_micros": 0, "settled_at": None}
    row = bought(WAITING, number=2, opened_at=20.2, lease_until=20.8, **unknown)
    return replace(row, attempt_id="c-lost", outcome="unknown")


def line(call: str, at: float, event: str, pieces: Mapping[str, int]) -> CaptionEvent:
    """A line of the log of who writes captions, about a call for these pieces."""
    return CaptionEvent(
        at=at,
        call=call,
        event=event,
        texts=tuple(text for piece_id in pieces for text in hooks(piece_id)),
        input_tokens=10 * sum(TOKENS[each] for each in pieces),
        output_tokens=sum(TOKENS[each] for each in pieces),
        cost_usd_micros=sum(pieces.values()),
        billed=bool(pieces),
    )


def captioned_world() -> World:
    """The world in which captions were bought, and all is well."""
    world = sound_world()
    rows = (lost(), *(bought(piece_id) for piece_id in SHARES))
    cut = replace(line("1", 20.5, "cut", {WAITING: 301}), texts=())
    facts = tuple(_captioned(fact) for fact in world.streams.facts)
    world = with_streams(world, facts=(*facts, *(told(piece_id) for piece_id in SHARES)))
    world = with_evidence(
        world, captioner=(cut, line("2", 21.1, "asked", {}), line("2", 21.4, "given", SHARES))
    )
    contents = changed(world.books.contents, bool, captions=captions(SOLD))
    world = with_books(world, attempts=(*world.books.attempts, *rows), contents=contents)
    spent = 3 * PRICE + sum(SHARES.values())
    return replace(world, shown=changed(world.shown, bool, cost_usd_micros=spent))


def _captioned(fact: FactMessage) -> FactMessage:
    if fact.fact != "content.hooked":
        return fact
    return replace(fact, body={**fact.body, "captions": captions(fact.tokens[-2])})

"""Short ways to buy captions for pieces."""

from typing import Any

from shared.calls import AttemptAnswer
from shared.content import Captions, CaptionSource
from shared.events import AttemptSettled, ContentRequested, ContentStored
from tests.builders import generation
from tests.ledger.books import Books, stored
from tests.ledger.test_attempts import COST, settled

SHARE = 1_234
"""What a piece's captions cost, in micro-dollars."""


def bought(attempt_id: str | None, **overrides: object) -> Captions:
    """Captions as a model wrote them."""
    given: dict[str, object] = {
        "source": CaptionSource.MODEL,
        "hooks": ("Salt on the skin.", "Where the road ends."),
        "provider": "anthropic",
        "model": "claude-haiku-4-5",
        "attempt_id": attempt_id,
        "input_tokens": 400,
        "output_tokens": 90,
        "cost_usd_micros": SHARE,
    }
    return Captions.model_validate(given | overrides)


async def ask(books: Books, piece: ContentRequested, **overrides: Any) -> AttemptAnswer:
    """Ask to have captions written for a piece."""
    given = {"kind": "captions", "provider": "anthropic", "holder": "hooks/1/a"}
    return await books.open_attempt(piece, **(given | overrides))


def written(piece: ContentRequested, attempt_id: str | None, **overrides: object) -> AttemptSettled:
    """The settlement of a call that gave captions."""
    given: dict[str, object] = {
        "kind": "captions",
        "provider": "anthropic",
        "cost_usd_micros": SHARE,
        "duration_ms": 700,
        "image": None,
        "generation": None,
        "captions": bought(attempt_id),
    }
    return settled(piece, attempt_id, **(given | overrides))


def shown(
    piece: ContentRequested, attempt_id: str | None, *, image: str = "", **more: Any
) -> ContentStored:
    """The delivery of a piece with captions that a call gave."""
    made = generation(attempt_id=image, cost_usd_micros=COST)
    return stored(piece, generation=made, captions=bought(attempt_id), **more)


def lost(piece: ContentRequested, attempt_id: str | None) -> AttemptSettled:
    """The settlement of a call that nobody knows the end of."""
    return written(
        piece,
        attempt_id,
        outcome="unknown",
        error_code="TIMEOUT",
        captions=None,
        cost_usd_micros=0,
    )


async def buy(books: Books, piece: ContentRequested) -> AttemptSettled:
    """Have captions written for a piece, and their cost recorded."""
    answer = await ask(books, piece)
    fact = written(piece, answer.attempt_id)
    await books.calls.settle(fact)
    return fact

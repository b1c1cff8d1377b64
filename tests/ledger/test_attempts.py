"""Provider calls in the books: asked for by many, counted once."""

import asyncio

import pytest

from shared.calls import NoteCall
from shared.content import BlobRef
from shared.events import ContentRequested
from shared.problems import Problem
from tests.builders import attempt_settled, blob, content_halted, generation
from tests.ledger.books import TENANT, Books, stored, whose


def settled(piece: ContentRequested, attempt_id: str | None, **overrides: object) -> object:
    return attempt_settled(
        task_id=piece.task_id,
        piece_id=piece.piece_id,
        attempt_id=attempt_id,
        **({"image": blob(), "generation": generation(attempt_id=attempt_id)} | overrides),
    )


async def cost_of(books: Books, piece: ContentRequested) -> int:
    return (await books.task(piece.task_id)).cost_usd_micros

"""What ledgers on a real broker say about providers, and limits that hold for all of them."""

import asyncio

import pytest

from shared.calls import (
    FIND_SUBSTITUTE,
    LIST_ATTEMPTS,
    OPEN_ATTEMPT,
    PROVIDER_RECORDS,
    RECONCILE_ATTEMPT,
    FindSubstitute,
    ListAttempts,
    Nothing,
)
from shared.factlog import JetStreamFactLog
from shared.problems import Problem
from shared.service import Service
from tests.eventually import eventually
from tests.ledger.books import TENANT, Books, open_attempt
from tests.ledger.test_on_the_broker import facts, replicas
from tests.ledger.test_reconciling import bill, told_unknown
from tests.ledger.test_standing_in import original, stored_again
from tests.ledger.test_substitutes import ordered

__all__ = ["facts", "replicas"]


async def test_two_ledgers_together_allow_no_more_calls_than_there_may_be(
    replicas: list[Service], books: Books
) -> None:
    pieces = await books.accepted(30)
    answers = await asyncio.gather(
        *(
            replicas[nth % 2].call(OPEN_ATTEMPT, open_attempt(piece, most_in_flight=4))
            for nth, piece in enumerate(pieces)
        )
    )
    assert sorted(each.answer for each in answers) == ["go"] * 4 + ["wait"] * 26
    assert {each.reason for each in answers} == {None, "capacity"}


async def test_an_unknown_call_is_listed_reconciled_and_told(
    replicas: list[Service], books: Books
) -> None:
    _, attempt_id = await told_unknown(books)
    ask = replicas[0].call
    (waiting,) = (await ask(LIST_ATTEMPTS, ListAttempts(tenant=TENANT, outcome="unknown"))).attempts
    assert waiting.attempt_id == attempt_id
    said = await ask(RECONCILE_ATTEMPT, bill(attempt_id))
    assert await replicas[1].call(RECONCILE_ATTEMPT, bill(attempt_id)) == said
    with pytest.raises(Problem, match="attempt_not_unknown"):
        await ask(RECONCILE_ATTEMPT, bill(attempt_id, 1))
    (record,) = (await ask(PROVIDER_RECORDS, Nothing())).records
    assert (record.provider, record.cost_usd_micros) == ("modal", said.cost_usd_micros)


async def test_an_earlier_image_is_found_and_its_piece_recorded(
    replicas: list[Service], books: Books, facts: JetStreamFactLog
) -> None:
    avatar = await books.avatar()
    earlier = await original(books, avatar)
    (piece,) = await ordered(books, avatar)
    wanted = {"task_id": piece.task_id, "piece_id": piece.piece_id, "run": piece.run}
    request = FindSubstitute.model_validate({"tenant": TENANT} | wanted)
    found = await asyncio.gather(*(each.call(FIND_SUBSTITUTE, request) for each in replicas))
    assert [each.piece_id for each in found] == [earlier.piece_id] * 2
    await facts.write(stored_again(piece, earlier))

    async def is_recorded() -> bool:
        return (await books.piece(piece.piece_id)).piece.state == "persisted"

    await eventually(is_recorded)
    assert (await books.piece(piece.piece_id)).piece.cost_usd_micros == 0

"""What captions cost is part of every figure, once, in whatever order the facts arrive."""

import asyncio
from itertools import permutations

import pytest

from services.ledger.handler.notes import NoteHooked
from shared.calls import AvatarRef, ListAttempts, ListPieces, ReconcileAttempt
from shared.content import CaptionSource
from shared.events import ContentRequested
from tests.builders import captions, content_halted, content_hooked, verdict
from tests.eventually import eventually
from tests.ledger.books import TENANT, Books, is_held_up, stored, whose
from tests.ledger.captioning import SHARE, ask, bought, buy, lost, shown, written
from tests.ledger.reviewing import WAITING, approve, delivered
from tests.ledger.test_attempts import COST, cost_of, settled
from tests.ledger.test_progress import Noters
from tests.ledger.test_provider_records import records


async def totals(books: Books, piece: ContentRequested) -> set[int]:
    """The cost of the one piece of a task, as every figure has it."""
    avatar = AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id)
    ((day,),) = await books.sql("SELECT sum(cost_usd_micros)::bigint FROM attempts")
    return {
        (await books.piece(piece.piece_id)).piece.cost_usd_micros,
        await cost_of(books, piece),
        (await books.reports.stats(avatar)).total_cost_usd_micros,
        sum(each.cost_usd_micros for each in (await records(books)).values()),
        day,
    }


async def test_a_piece_costs_its_image_and_its_captions(books: Books) -> None:
    (piece,) = await books.accepted()
    image = await books.open_attempt(piece)
    await books.calls.settle(settled(piece, image.attempt_id))
    fact = await buy(books, piece)
    await asyncio.gather(*(books.calls.settle(fact) for _ in range(3)))
    assert await totals(books, piece) == {COST + SHARE}


async def test_whatever_comes_first_each_cost_is_counted_once(books: Books) -> None:
    for order in permutations(range(3)):
        (piece,) = await books.accepted()
        image = await books.open_attempt(piece)
        texts = await ask(books, piece)
        assert image.attempt_id is not None
        event = shown(piece, texts.attempt_id, image=image.attempt_id)
        happen = (
            books.endings.deliver(event),
            books.calls.settle(settled(piece, image.attempt_id)),
            books.calls.settle(written(piece, texts.attempt_id)),
        )
        for index in order:
            await happen[index]
        assert await cost_of(books, piece) == COST + SHARE
        (drawn, said) = (await books.piece(piece.piece_id)).attempts
        assert (drawn.kind, drawn.outcome, drawn.cost_usd_micros) == ("image", "succeeded", COST)
        assert (said.kind, said.outcome, said.cost_usd_micros) == ("captions", "succeeded", SHARE)
        assert said.duration_ms == 700


async def test_a_task_that_completes_tells_the_cost_of_captions_whose_settlement_is_late(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    texts = await ask(books, piece)
    await books.endings.deliver(shown(piece, texts.attempt_id))
    assert await cost_of(books, piece) == SHARE
    again = await books.sql("SELECT captions FROM attempts")
    assert again[0].captions["hooks"] == list(bought("x").hooks)


async def test_captions_of_a_piece_that_waits_for_review_are_settled_when_it_is_held(
    books: Books,
) -> None:
    (piece,) = await books.accepted()
    texts = await ask(books, piece)
    files = {"held": True, "public": False}
    event = shown(piece, texts.attempt_id, delivery=files, verdict=verdict(**WAITING))
    await books.endings.deliver(event)
    assert await totals(books, piece) == {SHARE}
    await books.endings.deliver(delivered(await approve(books, event)))
    assert await totals(books, piece) == {SHARE}
    assert (await books.piece(piece.piece_id)).piece.hooks_model == "claude-haiku-4-5"


@pytest.mark.parametrize("source", [CaptionSource.TEMPLATE, CaptionSource.SKIPPED])
async def test_captions_that_no_model_wrote_settle_no_call(
    books: Books, source: CaptionSource
) -> None:
    (piece,) = await books.accepted()
    texts = await ask(books, piece)
    said = bought(texts.attempt_id, source=source)
    await books.endings.deliver(stored(piece, captions=said))
    (record,) = (await books.piece(piece.piece_id)).attempts
    assert (record.outcome, record.cost_usd_micros) == ("open", 0)


async def test_a_delivery_settles_calls_of_its_own_piece_and_kind_only(books: Books) -> None:
    mine, other, third = await books.accepted(3)
    await books.open_attempt(mine, attempt_id="image")
    await ask(books, mine, attempt_id="captions")
    await books.endings.deliver(shown(mine, "image", image="captions"))
    for piece, name in ((other, "image"), (third, "captions")):
        await books.endings.deliver(shown(piece, name, image=name))
    assert len(await books.sql("SELECT 1 FROM attempts WHERE settled_at IS NULL")) == 2
    assert await cost_of(books, mine) == 0


async def test_captions_of_a_piece_that_fails_cost_what_they_cost(books: Books) -> None:
    (piece,) = await books.accepted()
    texts = await ask(books, piece)
    await books.endings.halt(content_halted(**whose(piece)))
    await books.calls.settle(written(piece, texts.attempt_id))
    assert await totals(books, piece) == {SHARE}


async def test_time_spent_on_captions_is_not_time_spent_on_images(books: Books) -> None:
    (piece,) = await books.accepted()
    image = await books.open_attempt(piece)
    await books.calls.settle(settled(piece, image.attempt_id))
    await buy(books, piece)
    assert (await books.task(piece.task_id)).generation_time_ms == 1200
    avatar = AvatarRef(tenant=TENANT, avatar_id=piece.brief.avatar_id)
    stats = await books.reports.stats(avatar)
    assert (stats.total_generation_time_ms, stats.average_generation_time_ms) == (1200, 1200)


async def test_providers_of_captions_have_records_of_their_own(books: Books) -> None:
    (piece,) = await books.accepted()
    image = await books.open_attempt(piece)
    await books.calls.settle(settled(piece, image.attempt_id))
    await buy(books, piece)
    found = await records(books)
    assert {name: record.kind for name, record in found.items()} == {
        "preview": "image",
        "anthropic": "captions",
    }
    assert (found["anthropic"].calls, found["anthropic"].cost_usd_micros) == (1, SHARE)
    assert (found["anthropic"].median_ms, found["preview"].median_ms) == (700, 1200)


async def test_calls_for_captions_are_listed_and_reconciled_as_others(books: Books) -> None:
    (piece,) = await books.accepted()
    texts = await ask(books, piece)
    assert texts.attempt_id is not None
    await books.calls.settle(lost(piece, texts.attempt_id))
    (listed,) = (
        await books.attempt_list.list(ListAttempts(tenant=TENANT, outcome="unknown"))
    ).attempts
    assert (listed.kind, listed.provider) == ("captions", "anthropic")
    bill = ReconcileAttempt(
        tenant=TENANT,
        attempt_id=texts.attempt_id,
        result="charged",
        cost_usd_micros=SHARE,
        by="key-1",
    )
    for _ in range(2):
        assert (await books.reconciling.reconcile(bill)).kind == "captions"
    assert await totals(books, piece) == {SHARE}


async def test_a_delivery_holds_calls_in_the_order_in_which_settlements_do(books: Books) -> None:
    (piece,) = await books.accepted()
    await books.open_attempt(piece, attempt_id="z-image")
    await ask(books, piece, attempt_id="y-captions")
    event = shown(piece, "y-captions", image="z-image")

    hold = "SELECT 1 FROM attempts WHERE attempt_id = '{}' FOR UPDATE NOWAIT"
    async with books.database.write() as settling:
        await settling.connection.exec_driver_sql(hold.format("y-captions"))
        delivering = asyncio.create_task(books.endings.deliver(event))
        await eventually(lambda: is_held_up(books))
        await settling.connection.exec_driver_sql(hold.format("z-image"))
    await delivering
    assert await cost_of(books, piece) == COST + SHARE


async def test_a_piece_shows_who_wrote_its_captions(books: Books) -> None:
    bought_for, written_for = await books.accepted(2)
    texts = await ask(books, bought_for)
    await books.endings.deliver(shown(bought_for, texts.attempt_id))
    instead = captions().model_copy(update={"instead_of": "refused"})
    await books.endings.deliver(stored(written_for, captions=instead))
    page = await books.pieces.list(ListPieces(tenant=TENANT, task_id=bought_for.task_id))
    first, second = page.pieces
    assert (first.hooks_source, first.hooks_provider) == ("model", "anthropic")
    assert (first.hooks_model, first.hooks_instead_of) == ("claude-haiku-4-5", None)
    assert (second.hooks_source, second.hooks_provider) == ("template", None)
    assert (second.hooks_model, second.hooks_instead_of) == (None, "refused")
    await books.sql("UPDATE content_pieces SET meta_data = meta_data - 'captions'")
    old = (await books.piece(bought_for.piece_id)).piece
    assert (old.hooks, old.hooks_source, old.hooks_model) == (first.hooks, "model", None)


async def test_the_history_of_a_piece_tells_who_wrote_its_captions(books: Books) -> None:
    (piece,) = await books.accepted()
    note = NoteHooked(Noters(books).together)
    await note(content_hooked(**whose(piece), captions=bought("a-9")))
    *_, entry = (await books.piece(piece.piece_id)).timeline
    assert entry.fact == "content.hooked"
    assert entry.detail == {
        "source": "model",
        "count": 2,
        "provider": "anthropic",
        "model": "claude-haiku-4-5",
        "attempt_id": "a-9",
        "instead_of": "",
    }

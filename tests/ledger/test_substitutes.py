"""Earlier images that stand in: who may, whose turn it is, and that the choice is made once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from shared.calls import Avatar, FindSubstitute, FoundSubstitute, TakeDownPiece
from shared.content import Decision, Rating, Tier
from shared.events import ContentRequested
from tests.builders import attempt_settled, blob, brief, content_halted, generation, verdict
from tests.ledger.books import TENANT, Books, stored, whose
from tests.ledger.reviewing import hold

CACHED: dict[str, object] = {
    "degraded": True,
    "degraded_reason": "cached",
    "level": 3,
    "source": "cached",
    "attempt_id": "",
    "cost_usd_micros": 0,
    "generation_time_ms": 0,
}


async def ordered(
    books: Books, avatar: Avatar, count: int = 1, **wanted: Any
) -> list[ContentRequested]:
    """Pieces of one task of the avatar, whose briefs have these news."""
    briefs = tuple(brief(avatar_id=avatar.id, seed=n, **wanted) for n in range(count))
    return await books.accepted(count, avatar=avatar, briefs=briefs)


async def delivered(books: Books, avatar: Avatar, count: int = 1, **parts: Any) -> list[str]:
    """Finished pieces of a task of the avatar."""
    pieces = await ordered(books, avatar, count, **parts.pop("brief", {}))
    for piece in pieces:
        await books.endings.deliver(stored(piece, **parts))
    return [piece.piece_id for piece in pieces]


async def find(books: Books, piece: ContentRequested, **overrides: object) -> FoundSubstitute:
    asked: dict[str, object] = {
        "tenant": piece.tenant,
        "task_id": piece.task_id,
        "piece_id": piece.piece_id,
        "run": piece.run,
    }
    return await books.substitutes.find(FindSubstitute.model_validate(asked | overrides))


async def test_a_delivered_piece_stands_in_with_its_file_and_its_making(books: Books) -> None:
    avatar = await books.avatar()
    (earlier,) = await ordered(books, avatar)
    made = generation(provider="modal_sdxl_lora")
    event = stored(earlier, generation=made)
    await books.endings.deliver(event)
    (piece,) = await ordered(books, avatar)
    found = await find(books, piece)
    assert found.piece_id == earlier.piece_id
    assert found.object_key == event.delivery.object_key
    assert found.generation == made


UNFIT: dict[str, dict[str, Any]] = {
    "another tier": {"verdict": verdict(tier=Tier.CAPA2, rating=Rating.SUGGESTIVE)},
    "without the avatar's likeness": {
        "generation": generation(degraded=True, degraded_reason="no_lora", level=2)
    },
    "itself an earlier image": {"generation": generation(**CACHED | {"cached_from": "p"})},
    "a copy that passes for whole": {
        "generation": generation(**CACHED | {"degraded": False, "cached_from": "p"})
    },
    "moderation skipped": {
        "verdict": verdict(decision=Decision.SKIPPED),
        "brief": {"template_id": "t-1"},
    },
    "kept to its owner": {"delivery": {"uploaded": False}, "brief": {"upload_to_storage": False}},
}


@pytest.mark.parametrize("parts", UNFIT.values(), ids=UNFIT.keys())
async def test_unfit_is(books: Books, parts: dict[str, Any]) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar, **parts)
    (piece,) = await ordered(books, avatar)
    assert await find(books, piece) == FoundSubstitute()
    (fit,) = await delivered(books, avatar)
    assert (await find(books, piece)).piece_id == fit


async def test_the_nearest_shape_stands_in_and_any_rather_than_none(books: Books) -> None:
    avatar = await books.avatar()
    (tall,) = await delivered(books, avatar, delivery={"width": 832, "height": 1216})
    (piece,) = await ordered(books, avatar, width=1024, height=1024)
    assert (await find(books, piece)).piece_id == tall
    (square,) = await delivered(books, avatar, delivery={"width": 512, "height": 512})
    (another,) = await ordered(books, avatar, width=1024, height=1024)
    assert (await find(books, another)).piece_id == square


async def test_pieces_of_others_do_not_stand_in(books: Books) -> None:
    await delivered(books, await books.avatar())
    (piece,) = await ordered(books, await books.avatar())
    assert await find(books, piece) == FoundSubstitute()


async def test_another_tenants_piece_is_unknown(books: Books) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar)
    (piece,) = await ordered(books, avatar)
    assert await find(books, piece, tenant="other") == FoundSubstitute()
    assert await find(books, piece, piece_id="nothing") == FoundSubstitute()


async def test_pieces_under_way_held_or_failed_do_not_stand_in(books: Books) -> None:
    avatar = await books.avatar()
    _, waiting, failed, piece = await ordered(books, avatar, 4)
    await hold(books, waiting)
    await books.endings.halt(content_halted(**whose(failed)))
    assert await find(books, piece) == FoundSubstitute()


async def test_the_same_piece_is_chosen_however_often_it_is_asked(books: Books) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar, 5)
    first, second = await ordered(books, avatar, 2)
    chosen = await find(books, first)
    for _ in range(3):
        await find(books, second)
        await delivered(books, avatar)
        assert await find(books, first) == chosen
    await books.sql("UPDATE pieces SET current_run = 2 WHERE id = :id", id=first.piece_id)
    assert await find(books, first, run=2) == chosen


async def test_what_was_taken_down_stands_in_no_more(books: Books) -> None:
    avatar = await books.avatar()
    (gone,) = await delivered(books, avatar)
    (piece,) = await ordered(books, avatar)
    assert (await find(books, piece)).piece_id == gone
    files = {"image_sha256": "1" * 64, "source_sha256": "1" * 64}
    judged = verdict(image_sha256="1" * 64)
    (left,) = await delivered(books, avatar, delivery=files, verdict=judged)
    down = TakeDownPiece(tenant=TENANT, piece_id=gone, by="key-1", reason="complaint")
    await books.takedowns.take_down(down)
    assert (await find(books, piece)).piece_id == left


async def test_a_task_gets_no_image_twice_while_there_are_others(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await delivered(books, avatar, 4)
    pieces = await ordered(books, avatar, 6)
    found = await asyncio.gather(*(find(books, piece) for piece in pieces))
    times = Counter(each.piece_id for each in found)
    assert set(times) == set(earlier)
    assert sorted(times.values()) == [1, 1, 2, 2]


async def test_what_the_task_has_already_comes_last(books: Books) -> None:
    avatar = await books.avatar()
    (elsewhere,) = await delivered(books, avatar)
    own, first, second = await ordered(books, avatar, 3)
    await books.endings.deliver(stored(own))
    assert (await find(books, first)).piece_id == elsewhere
    assert (await find(books, second)).piece_id == own.piece_id


async def test_images_stand_in_about_equally_often(books: Books) -> None:
    avatar = await books.avatar()
    earlier = await delivered(books, avatar, 3)
    times: Counter[str | None] = Counter()
    for _ in range(9):
        (piece,) = await ordered(books, avatar)
        times[(await find(books, piece)).piece_id] += 1
    assert times == dict.fromkeys(earlier, 3)


async def test_what_was_drawn_stands_in_only_for_want_of_anything_else(books: Books) -> None:
    avatar = await books.avatar()
    (drawn,) = await delivered(books, avatar, generation=generation(preview=True))
    first, second = await ordered(books, avatar, 2)
    assert (await find(books, first)).piece_id == drawn
    (real,) = await delivered(books, avatar)
    (third,) = await ordered(books, avatar)
    assert {(await find(books, piece)).piece_id for piece in (second, third)} == {real}


async def test_an_order_that_takes_nothing_less_gets_no_substitute(books: Books) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar)
    (piece,) = await ordered(books, avatar, allow_degraded=False)
    assert await find(books, piece) == FoundSubstitute()


async def test_a_frozen_avatars_pieces_get_none(books: Books) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar)
    (piece,) = await ordered(books, avatar)
    await books.sql("UPDATE avatars SET frozen_at = now(), frozen_reason = 'minors'")
    assert await find(books, piece) == FoundSubstitute()


async def test_a_piece_that_has_ended_or_runs_anew_gets_none(books: Books) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar)
    ended, waiting, older = await ordered(books, avatar, 3)
    await books.endings.deliver(stored(ended))
    await hold(books, waiting)
    await books.sql("UPDATE pieces SET current_run = 2 WHERE id = :id", id=older.piece_id)
    for piece in (ended, waiting, older):
        assert await find(books, piece) == FoundSubstitute()
    chosen = await books.sql("SELECT id FROM pieces WHERE substitute_id IS NOT NULL")
    assert chosen == []


async def test_what_was_bought_for_the_piece_comes_before_anybody_elses(books: Books) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar)
    (piece,) = await ordered(books, avatar, allow_degraded=False)
    opened = await books.open_attempt(piece)
    bought = attempt_settled(
        task_id=piece.task_id,
        piece_id=piece.piece_id,
        attempt_id=opened.attempt_id,
        image=blob(),
        generation=generation(attempt_id=opened.attempt_id),
    )
    await books.settlements.settle([bought])
    for own_only in (True, False):
        found = await find(books, piece, own_only=own_only)
        assert found.image == bought.image
        assert found.generation == bought.generation
        assert found.piece_id is None


async def test_who_wants_only_his_own_gets_nobody_elses(books: Books) -> None:
    avatar = await books.avatar()
    await delivered(books, avatar)
    (piece,) = await ordered(books, avatar)
    assert await find(books, piece, own_only=True) == FoundSubstitute()
    assert (await find(books, piece)).piece_id is not None

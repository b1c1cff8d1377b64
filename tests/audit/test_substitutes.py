"""An earlier image is accepted for what it is, and everything that only looks like it is found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.audit import lineage, money
from tests.audit.judging import report_on
from tests.audit.rows import ContentRow
from tests.audit.spoiling import changed, with_books, with_fact, with_streams
from tests.audit.streams import FactMessage
from tests.audit.world import World
from tests.audit.worlds import (
    BROKEN,
    PRICE,
    SOLD,
    TASK,
    attempt,
    copy_sha,
    delivered,
    delivery,
    fact,
    key,
    settled,
    sha,
    signed,
    sound_world,
    thumbnail,
    verdict,
)

Spoil = Callable[[World], World]
LENT = BROKEN
"""The piece whose call has failed, and that gets the image of `sold`."""
LENT_KEY = key(LENT, ".jpg")


def told() -> tuple[FactMessage, ...]:
    """The way of the piece with the earlier image."""
    image: dict[str, Any] = {"image": {"sha256": copy_sha(SOLD)}}
    made = image | {"generation": {"source": "cached", "cached_from": SOLD, "attempt_id": ""}}
    judged = made | {"verdict": verdict(SOLD, "approved") | {"image_sha256": copy_sha(SOLD)}}
    files = delivery(LENT, held=False)
    files |= {"source_sha256": copy_sha(SOLD)}
    return (
        fact("image.generated", LENT, 26, **made),
        fact("content.hooked", LENT, 27, **made),
        fact("content.moderated", LENT, 28, **judged),
        fact("content.stored", LENT, 29, **judged, delivery=files),
        fact("content.persisted", LENT, 30, image_sha256=copy_sha(LENT), object_key=LENT_KEY),
    )


def lent_row() -> ContentRow:
    """The row of content of the piece with the earlier image."""
    return ContentRow(
        *(LENT, TASK, LENT_KEY, key(LENT, "_thumb.jpg"), True, "capa1"),
        *(copy_sha(LENT), copy_sha(SOLD), "approved", copy_sha(SOLD), ""),
        source="cached",
        cached_from=SOLD,
        degraded=True,
        delivered_at=30.0,
    )


def substituted_world() -> World:
    """The sound world, but that the piece whose call failed got an image delivered before."""
    world = sound_world()
    counts = {"persisted": 2, "rejected": 1, "failed": 0, "pending_review": 1}
    kept = [
        each
        for each in world.streams.facts
        if not (each.fact in {"content.halted", "content.failed"} and LENT in each.tokens)
        and each.fact != "task.completed"
    ]
    body = {"state": "completed", "total": 4, **counts}
    completed = FactMessage("task.completed", ("default", TASK), 1, 31.0, body)
    judged = {"verdict_decision": "approved", "verdict_sha256": copy_sha(SOLD)}
    end: dict[str, Any] = {
        "state": "persisted",
        "reason": None,
        "content_id": LENT,
        "ended_at": 30.0,
    }
    books = world.books
    history = changed(books.history, lambda row: row.piece_id == LENT, fact="content.persisted")
    world = with_books(
        world,
        pieces=changed(
            books.pieces,
            lambda row: row.piece_id == LENT,
            **end,
            **judged,
            image_sha256=copy_sha(SOLD),
        ),
        contents=(*changed(books.contents, bool, delivered_at=25.0), lent_row()),
        history=history,
    )
    shows: dict[str, Any] = {"changed_at": 29.0, "picture": signed(LENT, SOLD)}
    image = replace(delivered("public", LENT), **shows)
    small = replace(thumbnail("public", LENT), **shows)
    return replace(
        with_streams(world, facts=(*kept, *told(), completed)),
        objects=(*world.objects, image, small),
        shown=changed(world.shown, bool, counts=counts),
    )


def content(which: str, **news: object) -> Spoil:
    """A row of content has these news."""
    return lambda world: with_books(
        world, contents=changed(world.books.contents, lambda row: row.content_id == which, **news)
    )


def ordered(**news: object) -> Spoil:
    """The piece with the earlier image was ordered like this."""

    def spoil(world: World) -> World:
        brief = {**world.pieces[LENT].brief, **news}
        rows = changed(world.books.pieces, lambda row: row.piece_id == LENT, brief=brief)
        return with_books(world, pieces=rows)

    return spoil


def bought_besides(**news: object) -> Spoil:
    """A call for the piece had succeeded, and its image was not used."""

    def spoil(world: World) -> World:
        more = {"number": 2, "opened_at": 13.0, "settled_at": 14.0} | news
        second = attempt("a-second", LENT, "succeeded", **more)
        world = with_books(world, attempts=(*world.books.attempts, second))
        world = with_fact(world, settled(LENT, "a-second", "succeeded", PRICE))
        world = replace(world, evidence=replace(world.evidence, provider=None))
        return replace(world, shown=changed(world.shown, bool, cost_usd_micros=4 * PRICE))

    return spoil


BREACHES: dict[str, tuple[str, Spoil]] = {
    "it is charged": ("substitute_billed", content(LENT, cost_usd_micros=PRICE)),
    "a call is said to have made it": ("substitute_billed", content(LENT, attempt_id="a-broken")),
    "its piece had been bought an image": ("substituted_after_success", bought_besides()),
    "it comes from nowhere": ("substitute_of_nothing", content(LENT, cached_from="nothing")),
    "it names no source": ("substitute_of_nothing", content(LENT, cached_from=None)),
    "it is its own source": ("substitute_of_nothing", content(LENT, cached_from=LENT)),
    "its source never ended well": ("substitute_of_nothing", content(LENT, cached_from="refused")),
    "its source is another avatar's": ("substitute_of_another", content(SOLD, avatar_id="other")),
    "its source is of another tier": ("substitute_of_another", content(SOLD, tier="capa2")),
    "another tier was ordered": ("substitute_of_another", ordered(tier="capa3")),
    "its source is later": ("substitute_of_later", content(SOLD, delivered_at=31.0)),
    "its source had been taken down": ("substitute_taken_down", content(SOLD, taken_down_at=28.0)),
    "its source stands in itself": (
        "substitute_of_less",
        content(SOLD, source="cached", cached_from="older"),
    ),
    "its source lacks the likeness": ("substitute_of_less", content(SOLD, degraded=True)),
    "its bytes are others": ("substitute_other_bytes", content(LENT, source_sha256=sha("other"))),
    "its source's bytes are others": (
        "substitute_other_bytes",
        content(SOLD, image_sha256=sha("other")),
    ),
    "it passes for whole": ("substitute_unmarked", content(LENT, degraded=False)),
    "the order takes nothing less": ("substitute_unwanted", ordered(allow_degraded=False)),
    "it is said to be generated": ("bought_by_nobody", content(LENT, source="generated")),
    "its source has another name": ("bought_by_nobody", content(LENT, source="found")),
}


def test_a_world_with_an_earlier_image_is_clean() -> None:
    report = report_on(substituted_world())
    assert report.clean, report.as_table()
    assert report.figures["substituted"] == 1


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    world = spoil(substituted_world())
    found = [*money.violations(world), *lineage.violations(world)]
    assert code in {each.code for each in found}


def test_a_tier_that_moderation_raised_later_is_no_other_tier() -> None:
    world = ordered(tier="capa1")(content(LENT, tier="capa2")(substituted_world()))
    assert lineage.violations(world) == []


def test_a_source_that_is_taken_down_later_stays_the_source() -> None:
    world = content(SOLD, taken_down_at=40.0)(substituted_world())
    assert "substitute_taken_down" not in {each.code for each in lineage.violations(world)}


@pytest.mark.parametrize("news", [{"bytes_lost_at": 15.0}, {"settled_at": 24.0}])
def test_what_was_bought_is_excused_if_it_was_lost_or_came_too_late(news: dict[str, Any]) -> None:
    world = bought_besides(**news)(substituted_world())
    assert "substituted_after_success" not in {each.code for each in money.violations(world)}

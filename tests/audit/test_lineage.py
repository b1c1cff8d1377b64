"""I5 finds every place where other bytes took the place of the judged ones."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.audit import lineage
from tests.audit.pictures import Picture
from tests.audit.spoiling import changed, with_books, with_streams
from tests.audit.world import World
from tests.audit.worlds import (
    REFUSED,
    SOLD,
    WAITING,
    delivery,
    key,
    look,
    sha,
    signed,
    sound_world,
    verdict,
)

Spoil = Callable[[World], World]


def file(which: str, **news: object) -> Spoil:
    """A file has these news."""
    return lambda world: replace(
        world, objects=changed(world.objects, lambda file: file.key == which, **news)
    )


def content(**news: object) -> Spoil:
    """The row of content has these news."""
    return lambda world: with_books(world, contents=changed(world.books.contents, bool, **news))


def attempt(**news: object) -> Spoil:
    """The row of the call that gave the delivered image has these news."""
    return lambda world: with_books(
        world,
        attempts=changed(world.books.attempts, lambda row: row.attempt_id == "a-sold", **news),
    )


def told(name: str, **body: object) -> Spoil:
    """A fact about the delivered piece has these news in its body."""

    def spoil(world: World) -> World:
        known = next(each for each in world.messages(name) if SOLD in each.tokens)
        facts = changed(
            world.streams.facts, lambda each: each is known, body={**known.body, **body}
        )
        return with_streams(world, facts=facts)

    return spoil


def shown(which: str, **news: Any) -> Spoil:
    """A file of the delivered piece shows or tells these news, under the same hash."""
    return file(which, picture=replace(signed(SOLD), **news))


def printed(image_print: str) -> Spoil:
    """Safety has taken this print of the judged bytes."""
    judged = {**verdict(SOLD, "approved"), "image_print": image_print}
    return lambda world: with_books(
        world,
        pieces=changed(world.books.pieces, lambda row: row.piece_id == SOLD, verdict=judged),
    )


def credentials(**news: Any) -> dict[str, Any]:
    """The credentials of the delivered piece with these news."""
    told = signed(SOLD).credentials
    assert told is not None
    return {"credentials": replace(told, **news)}


IMAGE, SMALL = key(SOLD, ".jpg"), key(SOLD, "_thumb.jpg")

BREACHES: dict[str, tuple[str, Spoil]] = {
    "other bytes lie where the image should": (
        "other_bytes_delivered",
        file(IMAGE, sha256=sha("other")),
    ),
    "other bytes wait for review": ("other_bytes_delivered", file(key(WAITING), sha256="x")),
    "the thumbnail is gone": ("no_thumbnail", file(SMALL, key="elsewhere")),
    "the thumbnail is no picture": ("no_thumbnail", file(SMALL, begins=b"oops")),
    "another picture was delivered under true credentials": (
        "another_picture",
        shown(IMAGE, look=look(REFUSED)),
    ),
    "what was delivered is no picture": ("another_picture", shown(IMAGE, look=None)),
    "safety saw another picture": ("another_picture", printed("0f" * 8)),
    "the image has no credentials": ("credentials_missing", shown(IMAGE, credentials=None)),
    "the thumbnail has no credentials": ("credentials_missing", shown(SMALL, credentials=None)),
    "the image was altered after signing": (
        "credentials_broken",
        shown(IMAGE, **credentials(intact=False)),
    ),
    "the image's credentials name another source": (
        "credentials_of_another",
        shown(IMAGE, **credentials(source_sha256=sha(REFUSED))),
    ),
    "the thumbnail's credentials name another piece": (
        "credentials_of_another",
        shown(SMALL, **credentials(piece_id=REFUSED)),
    ),
    "the thumbnail is of another picture": (
        "thumbnail_of_another",
        shown(SMALL, look=look(REFUSED)),
    ),
    "a held thumbnail is of another picture": (
        "thumbnail_of_another",
        file(key(WAITING, "_thumb.jpg"), picture=Picture(look(REFUSED), None)),
    ),
    "the row names another source": ("hashes_differ", content(source_sha256=sha("other"))),
    "the row names another image": ("other_bytes_delivered", content(image_sha256=sha("other"))),
    "the row names the judged bytes": ("other_bytes_recorded", content(image_sha256=sha(SOLD))),
    "the verdict is about other bytes": ("hashes_differ", content(verdict_sha256=sha("other"))),
    "piece and content name different verdicts": (
        "verdict_differs",
        content(verdict_decision="skipped"),
    ),
    "nobody bought the image": ("bought_by_nobody", content(attempt_id="a-ghost")),
    "the image was bought for another piece": ("bought_by_nobody", content(attempt_id="a-refused")),
    "other bytes were bought": ("other_bytes_bought", attempt(image_sha256=sha("other"))),
    "the purchase had failed": ("other_bytes_bought", attempt(outcome="failed")),
    "a step passes on another image": (
        "image_changed",
        told("content.hooked", image={"sha256": sha("other")}),
    ),
    "moderation names other bytes": (
        "verdict_about_other_bytes",
        told("content.moderated", verdict={**verdict(SOLD, "approved"), "image_sha256": "x"}),
    ),
    "storage tells of other bytes": (
        "other_bytes_stored",
        told("content.stored", delivery={**delivery(SOLD, held=False), "source_sha256": "x"}),
    ),
    "storage holds other bytes than were judged": (
        "other_bytes_stored",
        told("content.stored", delivery=delivery(SOLD, held=False) | {"held": True}),
    ),
    "storage tells of another copy than the books": (
        "other_bytes_recorded",
        told("content.stored", delivery=delivery(SOLD, held=False) | {"image_sha256": "x"}),
    ),
    "the end tells of other bytes": (
        "end_about_other_bytes",
        told("content.persisted", image_sha256=sha("other")),
    ),
}


@pytest.mark.parametrize(("code", "spoil"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_when(code: str, spoil: Spoil) -> None:
    found = lineage.violations(spoil(sound_world()))
    assert code in {each.code for each in found}
    assert {each.invariant for each in found} == {"I5"}

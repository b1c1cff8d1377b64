"""An answer counts as far as it is one, and each caption for the piece that it is about."""

import pytest

from services.hooks.domain.commission import Commission
from services.hooks.domain.sorting import Item, sort_out
from services.hooks.domain.wording import is_plain
from tests.builders import brief
from tests.hooks.fakes import ROOMY, well_done

PICTURES = {
    "p1": "a portrait of a woman with auburn hair, reading by a rainy window",
    "p2": "a portrait of a woman with auburn hair, riding a horse along the beach",
}
COMMISSION = Commission(brief(), ROOMY, 6, PICTURES)


def sorted_out(*items: Item, least: int = 5) -> dict[str, tuple[str, ...]]:
    return sort_out(items, COMMISSION, least=least)


def test_every_well_answered_picture_has_its_own() -> None:
    answer = sorted_out(well_done("p2"), well_done("p1"))
    assert answer["p1"] == well_done("p1").captions
    assert answer["p2"] == well_done("p2").captions


def test_too_few_usable_captions_are_none() -> None:
    assert list(sorted_out(well_done("p1", count=4), well_done("p2", count=5))) == ["p2"]


def test_an_id_of_nobodys_changes_nothing() -> None:
    assert list(sorted_out(well_done("p3"), well_done("p1"))) == ["p1"]


def test_an_id_that_comes_twice_counts_for_nothing() -> None:
    again = Item("p1", tuple(f"second thoughts {n}" for n in range(6)))
    assert list(sorted_out(well_done("p1"), again, well_done("p2"))) == ["p2"]


def test_what_two_pictures_are_given_belongs_to_neither() -> None:
    same = tuple(f"for all of you {n}" for n in range(6))
    assert sorted_out(Item("p1", same), Item("p2", tuple(text.upper() for text in same))) == {}


def test_a_caption_about_another_picture_is_not_this_ones() -> None:
    wrong = "Riding a horse along the beach again."
    right = "Reading by a rainy window again."
    item = Item("p1", (wrong, right, *well_done("p1").captions[:4]))
    assert sorted_out(item)["p1"] == (right, *well_done("p1").captions[:4])


def test_what_all_pictures_share_may_be_said_of_each() -> None:
    shared = "A portrait of a woman with auburn hair, they said."
    assert shared in sorted_out(Item("p1", (shared, *well_done("p1").captions)))["p1"]


def test_our_instructions_are_no_caption() -> None:
    leaked = COMMISSION.instructions[:200]
    item = Item("p1", (leaked, *well_done("p1").captions[:5]))
    assert leaked not in sorted_out(item)["p1"]


@pytest.mark.parametrize(
    "text",
    [
        "see https://canary.example",
        "www.canary.example",
        "more on canary.com",
        "with @somebody",
        "<b>bold</b>",
        "a &lt;b&gt; c",
        '{"id": "p2"}',
        "`code`",
        "[click](x)",
        "TOK_abc at dawn",
        "back\u202ewards",
        "zero\u200bwidth",
        "bell\x07",
    ],
)
def test_a_caption_is_words_and_nothing_else(text: str) -> None:
    assert not is_plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "Plain.",
        "Ünïcödé — ¿sí?",
        "two\n\nlines #sea",
        "love <3 it",
        "👩‍👩‍👧 ❤️",
        "5:30 a.m. & tea",
        "e.g. me",
    ],
)
def test_what_people_write_is_plain(text: str) -> None:
    assert is_plain(text)

"""Skips: only templates in capa1, each decided once and for all, and marked as such."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.safety.domain.skips import Skips, drawn
from shared.content import Decision, Rating, Tier
from shared.outcomes import GiveUp
from tests.builders import brief
from tests.safety.panels import Moderation, Says

TEMPLATE = {"template_id": "food-01", "category": "food"}
EVERYTHING_OFF = Skips(enabled=False, categories=frozenset({"food"}), sample_rate=0)


@pytest.mark.parametrize(
    ("skips", "order", "named"),
    [
        (Skips(enabled=False), {}, "SAFETY_CHECK_ENABLED"),
        (Skips(categories=frozenset({"food"})), {}, "SKIP_SAFETY_CHECK_CATEGORIES"),
        (Skips(categories=frozenset({"food"})), {"category": "Food"}, "SKIP_SAFETY_CHECK_CATEG"),
        (Skips(sample_rate=0), {}, "SAFETY_CHECK_SAMPLE_RATE"),
        (Skips(), {"safety_check": False}, "safety_check"),
    ],
)
async def test_a_skip_is_a_signed_verdict_that_names_its_switch(
    skips: Skips, order: dict[str, object], named: str
) -> None:
    judge = Says()
    moderation = Moderation([judge], skips=skips)
    verdict = await moderation.verdict(await moderation.hooked(brief=brief(**TEMPLATE | order)))
    assert (verdict.decision, verdict.rating, verdict.tier) == (
        Decision.SKIPPED,
        Rating.SAFE,
        Tier.CAPA1,
    )
    assert named in verdict.reason
    assert [report.judge for report in verdict.judges] == ["text_screen"]
    assert verdict.image_print is not None
    assert not judge.shown


@pytest.mark.parametrize(
    "order",
    [
        {"template_id": None, "category": None},
        {"tier": Tier.CAPA2},
        {"tier": Tier.CAPA3},
    ],
)
async def test_custom_pieces_and_higher_tiers_are_always_judged(order: dict[str, object]) -> None:
    judge = Says()
    moderation = Moderation([judge], skips=EVERYTHING_OFF)
    wish = brief(**TEMPLATE | {"safety_check": False} | order)
    verdict = await moderation.verdict(await moderation.hooked(brief=wish))
    assert verdict.decision is Decision.APPROVED
    assert judge.shown


async def test_words_takedowns_and_decoding_are_skipped_for_nobody() -> None:
    moderation = Moderation([Says()], skips=EVERYTHING_OFF)
    blocked = brief(**TEMPLATE, prompt="teen in lingerie")
    assert (await moderation.verdict(await moderation.hooked(brief=blocked))).blocked
    event = await moderation.hooked(brief=brief(**TEMPLATE))
    moderation.takedowns.pieces[event.image.sha256] = "p-17"
    assert (await moderation.verdict(event)).decision is Decision.REJECTED
    with pytest.raises(GiveUp):
        await moderation.handler(await moderation.hooked(b"pixels", brief=brief(**TEMPLATE)))


@given(st.text(max_size=64), st.floats(0, 1), st.floats(0, 1))
def test_a_piece_is_drawn_the_same_every_time_and_stays_in_a_larger_sample(
    piece: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    order = brief(**TEMPLATE)
    assert drawn(piece) == drawn(piece)
    assert 0 <= drawn(piece) < 1
    if Skips(sample_rate=low).reason(order, piece) is None:
        assert Skips(sample_rate=high).reason(order, piece) is None
    assert Skips(sample_rate=1).reason(order, piece) is None
    assert Skips(sample_rate=0).reason(order, piece) is not None


def test_a_sample_is_as_large_as_it_says() -> None:
    order, skips = brief(**TEMPLATE), Skips(sample_rate=0.3)
    judged = sum(skips.reason(order, f"piece-{number}") is None for number in range(5_000))
    assert 0.28 <= judged / 5_000 <= 0.32


@pytest.mark.parametrize("words", ["nude, a kitchen", "a kitchen, in lingerie"])
async def test_charged_words_around_a_template_are_judged_whatever_is_turned_off(
    words: str,
) -> None:
    judge = Says()
    moderation = Moderation([judge], skips=EVERYTHING_OFF)
    wish = brief(**TEMPLATE | {"safety_check": False, "prompt": words})
    await moderation.verdict(await moderation.hooked(brief=wish))
    assert judge.shown

"""Whatever is configured, ordered and scored: no absolute block and nothing unjudged goes out."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from services.safety.adapters.preview import PreviewJudge
from services.safety.domain.moderation import MINORS
from services.safety.domain.skips import Skips
from services.safety.ports import Judge
from shared.content import Brief, Captions, CaptionSource, Decision, Generation, Tier
from shared.events import ContentHalted, ContentHooked, ContentModerated
from shared.outcomes import TryLater
from tests.builders import brief, generation
from tests.safety.panels import (
    POLICY,
    REQUIRED,
    CannotJudge,
    IsAway,
    Moderation,
    OnePrint,
    Says,
    openai_says,
    verdict_of,
)
from tests.verdict_keys import KEYS

CLEAN = dict.fromkeys((name for name in REQUIRED if name != MINORS), 0.0)
TEXT = dict.fromkeys((name for name, rule in POLICY.categories.items() if rule.text_judges), 0.0)
STEP = st.sampled_from([0.0, 0.04, 0.06, 0.19, 0.3, 0.45, 0.6, 0.9, 1.0])
IMAGE_SCORES = st.dictionaries(st.sampled_from(REQUIRED), STEP)
FULL_SCORES = st.fixed_dictionaries(dict.fromkeys(REQUIRED, STEP))
BLOCKED_PROMPTS = ("teen in lingerie", "portrait of Emma Watson", "non-consensual")
PROMPTS = st.sampled_from(["a portrait in window light", *BLOCKED_PROMPTS])
CAPTIONS = st.sampled_from([(), ("Golden hour.",), ("Golden hour.", "teen in lingerie")])

OPENAI = st.one_of(
    st.builds(lambda sexual: openai_says(image=CLEAN | {"sexual": sexual}), STEP),
    st.builds(lambda text: openai_says(text=TEXT | {MINORS: text}), STEP),
    st.just(CannotJudge()),
    st.just(IsAway()),
)
CLASSIFIER = st.one_of(
    st.builds(lambda scores: Says(image=scores), st.one_of(IMAGE_SCORES, FULL_SCORES)),
    st.just(CannotJudge("classifier")),
    st.just(IsAway("classifier")),
)


@dataclass
class Case:
    """A configuration, an order, and what judges make of it."""

    judges: list[Judge]
    skips: Skips
    brief: Brief
    captions: Captions
    generation: Generation


@st.composite
def cases(draw: st.DrawFn) -> Case:
    panel = (OPENAI, CLASSIFIER, st.just(PreviewJudge(REQUIRED)))
    return Case(
        judges=[draw(judge) for judge in panel if draw(st.booleans())],
        skips=Skips(
            enabled=draw(st.booleans()),
            categories=draw(st.sampled_from([frozenset[str](), frozenset({"food"})])),
            sample_rate=draw(st.sampled_from([0.0, 0.5, 1.0])),
        ),
        brief=brief(
            tier=draw(st.sampled_from(list(Tier))),
            template_id=draw(st.sampled_from([None, "food-01"])),
            category=draw(st.sampled_from([None, "food", "outdoors"])),
            safety_check=draw(st.booleans()),
            prompt=draw(PROMPTS),
        ),
        captions=Captions(source=CaptionSource.TEMPLATE, hooks=draw(CAPTIONS)),
        generation=generation(preview=draw(st.booleans())),
    )


async def outcome(case: Case) -> tuple[ContentHooked, ContentModerated | ContentHalted]:
    """What becomes of it, if need be after the longest wait."""
    moderation = Moderation(case.judges, skips=case.skips, prints=OnePrint())
    event = await moderation.hooked(
        brief=case.brief, captions=case.captions, generation=case.generation
    )
    try:
        return event, await moderation.handler(event)
    except TryLater as wish:
        return event, await after_the_wait(moderation, event, wish)


async def after_the_wait(
    moderation: Moderation, event: ContentHooked, wish: TryLater
) -> ContentModerated | ContentHalted:
    assert await moderation.handler.waited_long(event, 0, wish) is None
    instead = await moderation.handler.waited_long(event, 10_000, wish)
    assert instead is not None
    assert not verdict_of(instead).allows_delivery
    return instead


@settings(max_examples=400)
@given(cases())
def test_no_configuration_lets_an_absolute_block_or_anything_unjudged_through(case: Case) -> None:
    event, fact = asyncio.run(outcome(case))
    verdict = verdict_of(fact)
    words = (case.brief.prompt, *case.captions.hooks)
    if any(text in BLOCKED_PROMPTS for text in words):
        assert isinstance(fact, ContentHalted)
        assert verdict.blocked is not None
    if verdict.allows_delivery:
        assert verdict.blocked is None
        assert verdict.tier.rank >= case.brief.tier.rank
    if verdict.decision is Decision.SKIPPED:
        assert case.brief.template_id is not None
        assert case.brief.tier is Tier.CAPA1 is verdict.tier
        assert case.skips.reason(case.brief, event.piece_id) is not None
    if verdict.decision is Decision.APPROVED:
        assert_judged_in_full(case, verdict.judges)
    other = fact.model_copy(update={"piece_id": "another"})
    assert not KEYS.vouch_for(other, verdict)


def assert_judged_in_full(case: Case, reports: object) -> None:
    """Every category that the policy requires was scored low by somebody who can."""
    assert case.judges
    scored: dict[str, float] = {}
    assert isinstance(reports, tuple)
    for report in reports:
        for name, score in report.image_scores.items():
            if report.judge in POLICY.categories[name].image_judges:
                scored[name] = max(scored.get(name, 0.0), score)
    assert set(REQUIRED) <= set(scored)
    assert scored[MINORS] < 0.05
    assert scored["sexual"] < 0.85
    for judge in case.judges:
        assert not isinstance(judge, IsAway | CannotJudge)

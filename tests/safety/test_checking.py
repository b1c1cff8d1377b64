"""Checks without a piece, and how the judges are."""

import asyncio
from dataclasses import replace

import pytest

from services.safety.adapters.guarded import GuardedJudge
from services.safety.adapters.preview import PreviewJudge
from services.safety.domain.moderation import MINORS
from services.safety.domain.submission import Submission
from services.safety.handler.health import ReportHealth
from shared.breaker import Breaker
from shared.calls import CheckContent, ContentChecked, Nothing
from shared.content import BlobRef, BlockCategory, Decision, JudgeReport, Rating, Tier
from shared.outcomes import TryLater
from shared.problems import Problem
from tests.builders import blob
from tests.safety.panels import (
    REQUIRED,
    IsAway,
    Moderation,
    RememberedTakedowns,
    Says,
    drawn_png,
    openai_says,
)


async def staged(moderation: Moderation, image: bytes | None = None) -> BlobRef:
    data = drawn_png() if image is None else image
    return await moderation.staging.put("check/1", data, media_type="image/png")


async def checked(moderation: Moderation, **asked: object) -> ContentChecked:
    request = CheckContent.model_validate({"tenant": "default"} | asked)
    return await moderation.checks(request)


async def test_a_text_alone_needs_no_image_score() -> None:
    moderation = Moderation([openai_says()])
    found = await checked(moderation, text="a portrait in window light")
    assert (found.decision, found.rating, found.unscored) == (Decision.APPROVED, Rating.SAFE, ())
    assert [report.judge for report in found.judges] == ["text_screen", "openai"]


async def test_a_blocked_text_is_told_with_its_findings() -> None:
    found = await checked(Moderation([openai_says()]), text="teen in lingerie")
    assert (found.decision, found.blocked) == (Decision.REJECTED, BlockCategory.MINORS)
    assert [finding.category for finding in found.findings] == [BlockCategory.MINORS]


async def test_the_tier_counts_as_for_a_piece() -> None:
    moderation = Moderation([openai_says()])
    assert (await checked(moderation, text="a teen")).decision is Decision.APPROVED
    blocked = await checked(moderation, text="a teen", tier=Tier.CAPA2)
    assert blocked.decision is Decision.REJECTED


async def test_the_consented_name_may_be_named() -> None:
    moderation = Moderation([openai_says()])
    asked = {"text": "portrait of Emma Watson"}
    assert (await checked(moderation, **asked)).decision is Decision.REJECTED
    allowed = await checked(moderation, **asked, consented_name="Emma Watson")
    assert allowed.decision is Decision.APPROVED


async def test_an_image_alone_is_judged_as_that_of_a_piece() -> None:
    moderation = Moderation([Says()])
    image = await staged(moderation)
    assert (await checked(moderation, image=image)).decision is Decision.APPROVED
    moderation = Moderation([Says(image={MINORS: 0.9})])
    found = await checked(moderation, image=await staged(moderation))
    assert found.blocked is BlockCategory.MINORS


async def test_nobody_scored_is_a_review_here_too() -> None:
    moderation = Moderation()
    found = await checked(moderation, image=await staged(moderation))
    assert (found.decision, set(found.unscored)) == (Decision.REVIEW, set(REQUIRED))


async def test_a_drawn_placeholder_is_known_by_its_label() -> None:
    moderation = Moderation([PreviewJudge(REQUIRED)])
    found = await checked(moderation, image=await staged(moderation))
    assert found.decision is Decision.APPROVED


async def test_what_was_taken_down_is_told() -> None:
    moderation = Moderation([Says()])
    image = await staged(moderation)
    moderation.takedowns.pieces[image.sha256] = "p-17"
    found = await checked(moderation, image=image)
    assert (found.decision, found.blocked) == (Decision.REJECTED, None)


@pytest.mark.parametrize(
    "moderation",
    [
        Moderation([IsAway(), Says()]),
        Moderation([Says()], takedowns=RememberedTakedowns(are_away=True)),
    ],
)
async def test_without_an_answer_there_is_none(moderation: Moderation) -> None:
    with pytest.raises(TryLater):
        await checked(moderation, text="a tree", image=await staged(moderation))


class Hangs(Says):
    async def judge(self, submission: Submission) -> JudgeReport | None:
        await asyncio.Event().wait()
        return None


async def test_a_check_ends_in_time() -> None:
    moderation = Moderation([Hangs()])
    checks = replace(moderation.checks, limit_s=0.05)
    with pytest.raises(TryLater):
        await checks(CheckContent(tenant="default", text="a tree"))


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ({}, 422, "text"),
        ({"text": "  "}, 422, "text"),
        ({"image": blob()}, 404, None),
    ],
)
async def test_what_cannot_be_checked_is_refused(
    asked: dict[str, object], status: int, field: str | None
) -> None:
    with pytest.raises(Problem) as refused:
        await checked(Moderation([Says()]), **asked)
    assert (refused.value.details.status, refused.value.details.field) == (status, field)


async def test_what_is_no_image_is_refused() -> None:
    moderation = Moderation([Says()])
    with pytest.raises(Problem) as refused:
        await checked(moderation, image=await staged(moderation, b"pixels"))
    assert (refused.value.details.code, refused.value.details.field) == (
        "validation_error",
        "image",
    )


async def test_health_tells_of_each_judge_and_of_the_policy() -> None:
    judges = [GuardedJudge(judge, Breaker(lambda: 0.0), 5) for judge in (IsAway(), Says())]
    health = ReportHealth({judge.name: judge for judge in judges}, "2026-11.2")
    before = await health(Nothing())
    assert before.status == "ok"
    for _ in range(5):
        with pytest.raises(TryLater):
            await judges[0].judge(Submission(prompt="a tree"))
    after = await health(Nothing())
    assert after.status == "degraded"
    assert after.detail == {
        "policy_version": "2026-11.2",
        "judges": {"openai": "open", "classifier": "closed"},
    }

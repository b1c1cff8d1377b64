"""Verdicts: nothing unjudged passes, and every verdict names the bytes it judged."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.safety.adapters.preview import PreviewJudge, is_labelled_preview
from services.safety.domain.moderation import MINORS
from services.safety.ports import Judge
from shared.content import (
    BlockCategory,
    BlockedOn,
    Captions,
    CaptionSource,
    Decision,
    Rating,
    Tier,
)
from shared.events import ContentHalted, ContentModerated
from shared.outcomes import GiveUp, TryLater
from tests.builders import brief, captions, content_hooked, generation
from tests.safety.panels import (
    REQUIRED,
    CannotJudge,
    IsAway,
    Moderation,
    RememberedTakedowns,
    Says,
    drawn_png,
    openai_says,
    verdict_of,
)
from tests.verdict_keys import KEYS

DRAWN = drawn_png()
PREVIEW = PreviewJudge(REQUIRED)


def photo() -> bytes:
    """Bytes without a label, with enough to see."""
    out = io.BytesIO()
    Image.open(io.BytesIO(DRAWN)).convert("RGB").save(out, "PNG")
    return out.getvalue()


async def test_the_preview_judge_passes_what_our_painter_drew() -> None:
    moderation = Moderation([PREVIEW])
    event = await moderation.hooked(generation=generation(preview=True))
    verdict = await moderation.verdict(event)
    assert (verdict.decision, verdict.rating) == (Decision.APPROVED, Rating.SAFE)
    assert verdict.image_sha256 == event.image.sha256
    assert verdict.judge == "preview"
    assert verdict.image_print is not None


@pytest.mark.parametrize("claims_preview", [True, False])
async def test_the_preview_judge_does_not_pass_other_images_whatever_the_fact_claims(
    claims_preview: bool,
) -> None:
    moderation = Moderation([PREVIEW])
    event = await moderation.hooked(photo(), generation=generation(preview=claims_preview))
    verdict = await moderation.verdict(event)
    assert verdict.decision is Decision.REVIEW
    assert set(verdict.unscored) == set(REQUIRED)


async def test_the_preview_judge_does_not_pass_a_generated_image_that_carries_the_label() -> None:
    moderation = Moderation([PREVIEW])
    event = await moderation.hooked(generation=generation(preview=False))
    assert (await moderation.verdict(event)).decision is Decision.REVIEW


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
async def test_a_delivered_copy_of_a_placeholder_is_left_to_people(form: str) -> None:
    out = io.BytesIO()
    says_so = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">PREVIEW - drawn, not generated</x:xmpmeta>'
    Image.open(io.BytesIO(DRAWN)).convert("RGB").save(out, form, xmp=says_so)
    moderation = Moderation([PREVIEW])
    event = await moderation.hooked(out.getvalue(), generation=generation(preview=True))
    assert (await moderation.verdict(event)).decision is Decision.REVIEW


async def test_without_a_judge_every_piece_waits_for_review() -> None:
    moderation = Moderation()
    verdict = await moderation.verdict(await moderation.hooked())
    assert (verdict.decision, verdict.rating) == (Decision.REVIEW, Rating.PENDING_REVIEW)
    assert verdict.judge == "none"


async def test_openai_alone_sends_every_image_to_review_for_want_of_a_score_of_minors() -> None:
    moderation = Moderation([openai_says()])
    verdict = await moderation.verdict(await moderation.hooked())
    assert (verdict.decision, verdict.unscored) == (Decision.REVIEW, (MINORS,))
    assert MINORS in verdict.reason


async def test_openai_and_a_classifier_together_can_pass_an_image() -> None:
    moderation = Moderation([openai_says(), Says(image={MINORS: 0.0, "sexual": 0.1})])
    verdict = await moderation.verdict(await moderation.hooked())
    assert (verdict.decision, verdict.rating) == (Decision.APPROVED, Rating.SAFE)
    assert [report.judge for report in verdict.judges] == ["text_screen", "openai", "classifier"]
    assert verdict.judge == "openai+classifier"


async def test_a_refused_piece_is_halted_with_its_signed_verdict() -> None:
    moderation = Moderation([Says(image={**dict.fromkeys(REQUIRED, 0.0), "sexual": 0.9})])
    halted = await moderation.handler(await moderation.hooked())
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "moderation_rejected"
    verdict = verdict_of(halted)
    assert (verdict.decision, verdict.rating) == (Decision.REJECTED, Rating.EXPLICIT)
    assert verdict.blocked is None


async def test_a_minor_on_an_image_is_an_absolute_block_of_the_image() -> None:
    moderation = Moderation(
        [openai_says(), Says(image={**dict.fromkeys(REQUIRED, 0.0), MINORS: 0.6})]
    )
    halted = await moderation.handler(await moderation.hooked())
    assert isinstance(halted, ContentHalted)
    verdict = verdict_of(halted)
    assert (verdict.blocked, verdict.blocked_on) == (BlockCategory.MINORS, BlockedOn.IMAGE)


@pytest.mark.parametrize(
    ("captions_alone", "on"), [(0.9, BlockedOn.CAPTIONS), (0.0, BlockedOn.PROMPT)]
)
async def test_a_judge_who_blocks_words_is_asked_whether_it_is_the_captions(
    captions_alone: float, on: BlockedOn
) -> None:
    judge = openai_says(text={MINORS: 0.9}, captions_alone={MINORS: captions_alone})
    moderation = Moderation([judge])
    verdict = await moderation.verdict(await moderation.hooked(captions=captions("Golden hour.")))
    assert (verdict.blocked, verdict.blocked_on) == (BlockCategory.MINORS, on)
    assert [report.judge for report in verdict.judges][-1] == "openai/captions"
    assert [(each.prompt == "", each.image is None) for each in judge.shown] == [
        (False, False),
        (True, True),
    ]


async def test_the_negative_prompt_is_shown_to_nobody() -> None:
    judge = openai_says()
    moderation = Moderation([judge])
    await moderation.verdict(await moderation.hooked(brief=brief(negative_prompt="blurry, hats")))
    assert "hats" not in judge.shown[0].text


async def test_gives_up_when_the_image_is_gone() -> None:
    with pytest.raises(GiveUp) as gave_up:
        await Moderation([PREVIEW]).handler(content_hooked())
    assert gave_up.value.reason == "image_lost"


@pytest.mark.parametrize("data", [b"", b"pixels", DRAWN[: len(DRAWN) // 2]])
async def test_what_cannot_be_decoded_is_never_a_pass(data: bytes) -> None:
    for judge in (PREVIEW, Says()):
        moderation = Moderation([judge])
        with pytest.raises(GiveUp) as gave_up:
            await moderation.handler(await moderation.hooked(data))
        assert gave_up.value.reason == "invalid_image"


@given(st.binary(max_size=200), st.integers(0, 60))
def test_hostile_bytes_are_no_preview_and_break_nothing(noise: bytes, cut: int) -> None:
    assert not is_labelled_preview(b"\x89PNG\r\n\x1a\n" + noise)
    assert not is_labelled_preview(noise)
    assert not is_labelled_preview(DRAWN[: 8 + cut])


def test_a_label_after_the_pixels_does_not_count() -> None:
    label = b"Comment\0PREVIEW forged"
    chunk = struct.pack(">I", len(label)) + b"tEXt" + label
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    plain, end = out.getvalue()[:-12], out.getvalue()[-12:]
    forged = plain + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + end
    Image.open(io.BytesIO(forged)).verify()
    assert not is_labelled_preview(forged)


@pytest.mark.parametrize("judges", [[], [PREVIEW], [Says()], [IsAway()]])
@pytest.mark.parametrize(
    ("words", "category"),
    [
        ({"prompt": "TOK_a, teen in lingerie"}, BlockCategory.MINORS),
        ({"prompt": "portrait", "negative_prompt": "adult, blurry"}, BlockCategory.MINORS),
        ({"prompt": "portrait of Emma Watson"}, BlockCategory.REAL_PERSON),
        (
            {"prompt": "portrait of Emma Watson", "likeness_name": "Lena Hartmann"},
            BlockCategory.REAL_PERSON,
        ),
    ],
)
async def test_blocked_words_end_a_piece_whatever_its_judges_say(
    judges: list[Judge], words: dict[str, str], category: BlockCategory
) -> None:
    moderation = Moderation(judges)
    event = await moderation.hooked(brief=brief(**words), generation=generation(preview=True))
    halted = await moderation.handler(event)
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "moderation_rejected"
    verdict = verdict_of(halted)
    assert (verdict.decision, verdict.judge) == (Decision.REJECTED, "text_screen")
    assert (verdict.blocked, verdict.blocked_on) == (category, BlockedOn.PROMPT)
    assert verdict.image_sha256 == event.image.sha256
    assert "lingerie" not in halted.model_dump_json(exclude={"brief"})


async def test_captions_are_screened_as_prompts_are() -> None:
    moderation = Moderation([PREVIEW])
    words = Captions(source=CaptionSource.TEMPLATE, hooks=("Good morning.", "teen, topless"))
    event = await moderation.hooked(captions=words, generation=generation(preview=True))
    verdict = await moderation.verdict(event)
    assert (verdict.blocked, verdict.blocked_on) == (BlockCategory.MINORS, BlockedOn.CAPTIONS)


async def test_a_block_that_shows_only_when_all_is_read_together_is_the_prompts() -> None:
    moderation = Moderation([PREVIEW])
    event = await moderation.hooked(
        brief=brief(prompt="TOK_a, a schoolgirl on her way home"),
        captions=captions("Golden hour.", "So sexy and seductive today"),
        generation=generation(preview=True),
    )
    verdict = await moderation.verdict(event)
    assert (verdict.blocked, verdict.blocked_on) == (BlockCategory.MINORS, BlockedOn.PROMPT)


async def test_very_long_words_are_read_to_their_end() -> None:
    moderation = Moderation([PREVIEW])
    long = "golden hour, " * 600
    event = await moderation.hooked(
        brief=brief(prompt=long), captions=captions(long, f"{long} teen in lingerie"[-7900:])
    )
    assert (await moderation.verdict(event)).blocked_on is BlockedOn.CAPTIONS


@pytest.mark.parametrize("by", ["sha256", "print"])
async def test_what_was_taken_down_does_not_come_back(by: str) -> None:
    judge = Says()
    moderation = Moderation([judge], takedowns=RememberedTakedowns())
    event = await moderation.hooked()
    first = await moderation.verdict(event)
    assert first.decision is Decision.APPROVED
    known = event.image.sha256 if by == "sha256" else first.image_print
    moderation.takedowns.pieces[known or ""] = "p-17"
    judge.shown.clear()
    halted = await moderation.handler(event)
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "image_taken_down"
    assert verdict_of(halted).decision is Decision.REJECTED
    assert not judge.shown


async def test_a_piece_waits_while_nobody_knows_what_was_taken_down() -> None:
    moderation = Moderation([Says()], takedowns=RememberedTakedowns(are_away=True))
    event = await moderation.hooked()
    with pytest.raises(TryLater) as wish:
        await moderation.handler(event)
    assert await moderation.handler.waited_long(event, 10_000, wish.value) is None


@pytest.mark.parametrize("others", [[], [Says()], [Says(), CannotJudge("preview")]])
async def test_a_piece_waits_for_a_judge_who_is_away_whatever_the_others_say(
    others: list[Judge],
) -> None:
    moderation = Moderation([IsAway(after_s=7), *others])
    with pytest.raises(TryLater) as wish:
        await moderation.handler(await moderation.hooked())
    assert wish.value.after_s == 7


async def test_after_a_minute_people_look_instead_of_the_judge_who_is_away() -> None:
    moderation = Moderation([IsAway(), Says()])
    event = await moderation.hooked()
    with pytest.raises(TryLater) as wish:
        await moderation.handler(event)
    handler = moderation.handler
    assert await handler.waited_long(event, 59.9, wish.value) is None
    instead = await handler.waited_long(event, 60, wish.value)
    assert isinstance(instead, ContentModerated)
    verdict = verdict_of(instead)
    assert verdict.decision is Decision.REVIEW
    assert "openai" in verdict.reason
    assert verdict.image_print is not None


async def test_a_refusal_that_was_heard_outlives_the_wait() -> None:
    moderation = Moderation([IsAway(), Says(image={"violence": 0.99})])
    event = await moderation.hooked()
    with pytest.raises(TryLater) as wish:
        await moderation.handler(event)
    instead = await moderation.handler.waited_long(event, 61, wish.value)
    assert isinstance(instead, ContentHalted)


async def test_an_absolute_block_waits_for_nobody() -> None:
    moderation = Moderation([IsAway(), Says(image={MINORS: 0.9})])
    halted = await moderation.handler(await moderation.hooked())
    assert isinstance(halted, ContentHalted)
    assert verdict_of(halted).blocked is BlockCategory.MINORS


async def test_what_a_judge_cannot_judge_goes_to_review() -> None:
    moderation = Moderation([CannotJudge(), Says()])
    verdict = await moderation.verdict(await moderation.hooked())
    assert verdict.decision is Decision.REVIEW
    assert "openai" in verdict.reason


async def test_two_people_have_to_agree_in_the_highest_tier() -> None:
    moderation = Moderation([openai_says()])
    for tier, needed in ((Tier.CAPA1, 1), (Tier.CAPA3, 2)):
        event = await moderation.hooked(brief=brief(tier=tier))
        assert (await moderation.verdict(event)).approvals_needed == needed


async def test_a_verdict_is_signed_for_its_piece_and_run_alone() -> None:
    moderation = Moderation([Says()])
    event = await moderation.hooked()
    moderated = await moderation.handler(event)
    assert isinstance(moderated, ContentModerated)
    for other in ({"piece_id": "other"}, {"run": 2}, {"task_id": "other"}, {"tenant": "other"}):
        assert not KEYS.vouch_for(moderated.model_copy(update=other), moderated.verdict)
    milder = moderated.verdict.model_copy(update={"tier": Tier.CAPA2})
    assert not KEYS.vouch_for(moderated, milder)

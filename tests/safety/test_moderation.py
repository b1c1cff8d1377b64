"""Verdicts: nothing unjudged passes, and every verdict names the bytes it judged."""

import io
import struct
import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.generator.preview.painter import paint
from services.safety.adapters.preview import PreviewJudge, is_labelled_preview
from services.safety.app import open_screen
from services.safety.domain.verdicts import Judgement, verdict
from services.safety.handler.moderation import ModerateContent
from services.safety.handler.screening import ScreenText
from services.safety.ports import Judge
from shared.content import Captions, CaptionSource, Decision, Rating, Tier
from shared.events import ContentHalted, ContentHooked, ContentModerated
from shared.outcomes import GiveUp
from tests.builders import SHA256, brief, content_hooked, generation
from tests.fakes import MemoryBlobs

TEXTS = ScreenText(open_screen())
RATINGS = st.sampled_from(list(Rating))
TIERS = st.sampled_from(list(Tier))


@dataclass
class SaysAlways:
    judgement: Judgement | None
    name: str = "canned"

    async def judge(self, event: ContentHooked, image: bytes) -> Judgement | None:
        return self.judgement


def judgement(rating: Rating, tier: Tier = Tier.CAPA1) -> Judgement:
    return Judgement(rating=rating, explicitness_level=3, tier_at_least=tier, reason="as seen")


def preview_png() -> bytes:
    return paint(avatar_id="a", scene="studio", framing="half", seed=1, width=512, height=512)


DRAWN = preview_png()


async def staged(staging: MemoryBlobs, data: bytes, **overrides: object) -> ContentHooked:
    ref = await staging.put("p/1", data, media_type="image/png")
    return content_hooked(image=ref, **overrides)


@given(TIERS, st.one_of(st.none(), st.builds(judgement, RATINGS, TIERS)))
def test_a_tier_is_only_ever_raised(tier: Tier, found: Judgement | None) -> None:
    assert verdict(found, judge="j", tier=tier, image_sha256=SHA256).tier.rank >= tier.rank


@given(TIERS, RATINGS)
def test_only_ratings_fit_for_delivery_allow_it(tier: Tier, rating: Rating) -> None:
    given_verdict = verdict(judgement(rating), judge="j", tier=tier, image_sha256=SHA256)
    fit = rating in {Rating.SAFE, Rating.SUGGESTIVE, Rating.BORDERLINE}
    assert given_verdict.allows_delivery is fit


def test_no_judgement_is_a_review_and_never_a_pass() -> None:
    found = verdict(None, judge="none", tier=Tier.CAPA1, image_sha256=SHA256)
    assert (found.decision, found.rating) == (Decision.REVIEW, Rating.PENDING_REVIEW)


async def test_the_preview_judge_passes_what_our_painter_drew() -> None:
    staging = MemoryBlobs()
    event = await staged(staging, preview_png(), generation=generation(preview=True))
    moderated = await ModerateContent(PreviewJudge(), staging, TEXTS)(event)
    assert isinstance(moderated, ContentModerated)
    assert moderated.verdict.decision is Decision.APPROVED
    assert moderated.verdict.image_sha256 == event.image.sha256


@pytest.mark.parametrize("claims_preview", [True, False])
async def test_the_preview_judge_does_not_pass_other_images_whatever_the_fact_claims(
    claims_preview: bool,
) -> None:
    out = io.BytesIO()
    Image.new("RGB", (512, 512), "teal").save(out, "PNG")
    staging = MemoryBlobs()
    event = await staged(staging, out.getvalue(), generation=generation(preview=claims_preview))
    moderated = await ModerateContent(PreviewJudge(), staging, TEXTS)(event)
    assert isinstance(moderated, ContentModerated)
    assert moderated.verdict.decision is Decision.REVIEW


async def test_the_preview_judge_does_not_pass_a_generated_image_that_carries_the_label() -> None:
    staging = MemoryBlobs()
    event = await staged(staging, preview_png(), generation=generation(preview=False))
    moderated = await ModerateContent(PreviewJudge(), staging, TEXTS)(event)
    assert isinstance(moderated, ContentModerated)
    assert moderated.verdict.decision is Decision.REVIEW


async def test_without_a_judge_every_piece_waits_for_review() -> None:
    staging = MemoryBlobs()
    event = await staged(staging, preview_png(), generation=generation(preview=True))
    moderated = await ModerateContent(None, staging, TEXTS)(event)
    assert isinstance(moderated, ContentModerated)
    assert moderated.verdict.rating is Rating.PENDING_REVIEW


async def test_a_refused_piece_is_halted_with_its_verdict() -> None:
    staging = MemoryBlobs()
    event = await staged(staging, b"pixels")
    halted = await ModerateContent(SaysAlways(judgement(Rating.EXPLICIT)), staging, TEXTS)(event)
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "moderation_rejected"
    assert halted.verdict is not None
    assert halted.verdict.decision is Decision.REJECTED


async def test_gives_up_when_the_image_is_gone() -> None:
    with pytest.raises(GiveUp) as gave_up:
        await ModerateContent(PreviewJudge(), MemoryBlobs(), TEXTS)(content_hooked())
    assert gave_up.value.reason == "image_lost"


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


@pytest.mark.parametrize("judge", [None, PreviewJudge(), SaysAlways(judgement(Rating.SAFE))])
@pytest.mark.parametrize(
    "words",
    [
        {"prompt": "TOK_a, teen in lingerie"},
        {"prompt": "portrait", "negative_prompt": "adult, blurry"},
        {"prompt": "portrait of Emma Watson"},
        {"prompt": "portrait of Emma Watson", "likeness_name": "Lena Hartmann"},
    ],
)
async def test_blocked_words_end_a_piece_whatever_its_judge_says(
    judge: Judge | None, words: dict[str, str]
) -> None:
    staging = MemoryBlobs()
    event = await staged(staging, DRAWN, brief=brief(**words), generation=generation(preview=True))
    halted = await ModerateContent(judge, staging, TEXTS)(event)
    assert isinstance(halted, ContentHalted)
    assert halted.verdict is not None
    assert halted.verdict.decision is Decision.REJECTED
    assert halted.verdict.judge == "text_screen"
    assert halted.verdict.image_sha256 == event.image.sha256
    assert halted.verdict.policy_version == TEXTS.policy_version
    assert "lingerie" not in halted.model_dump_json(exclude={"brief"})


async def test_captions_are_screened_as_prompts_are() -> None:
    staging = MemoryBlobs()
    captions = Captions(source=CaptionSource.TEMPLATE, hooks=("Good morning.", "teen, topless"))
    event = await staged(staging, DRAWN, captions=captions, generation=generation(preview=True))
    halted = await ModerateContent(PreviewJudge(), staging, TEXTS)(event)
    assert isinstance(halted, ContentHalted)
    assert halted.reason == "moderation_rejected"

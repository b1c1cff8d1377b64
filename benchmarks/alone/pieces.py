"""The pieces that a service is given when it is measured alone."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4, uuid5

from benchmarks.alone.place import Place
from shared.content import (
    BlobRef,
    Brief,
    Captions,
    CaptionSource,
    Decision,
    Generation,
    LoraRef,
    Platform,
    Rating,
    Tier,
    Verdict,
)
from shared.events import ContentRequested

TENANT = "default"
AVATAR_ID = str(UUID(int=0xA))
PNG = "image/png"
CAPTIONS = Captions(
    source=CaptionSource.TEMPLATE,
    hooks=tuple(f"Slow light and warm tea, part {part}." for part in range(5)),
)

_TASK = uuid4()
_WITHIN = timedelta(minutes=15)
_PLACES = ("a quiet library", "the old harbour", "a rooftop garden", "an empty gallery", "a mill")
_LIGHTS = ("soft morning light", "late evening sun", "rain behind glass", "lamps and candles")


def brief(number: int) -> Brief:
    """As long as ordered ones are, and different for every number."""
    place, light = _PLACES[number % len(_PLACES)], _LIGHTS[number // 7 % len(_LIGHTS)]
    prompt = (
        "TOK_ada, half length portrait of a woman in her thirties with freckles and auburn hair, "
        f"reading in {place}, {light}, natural skin texture, 50 mm, page {number}"
    )
    return Brief(
        avatar_id=AVATAR_ID,
        avatar_name="Ada",
        niche="books",
        personality_tone="warm",
        platform=Platform.INSTAGRAM,
        prompt=prompt,
        negative_prompt="blurry, watermark, text, deformed hands",
        seed=number,
        lora=LoraRef(key="loras/ada/v1.safetensors"),
    )


def requested(number: int) -> ContentRequested:
    """A piece that was accepted just now."""
    now = datetime.now(UTC)
    return ContentRequested(
        tenant=TENANT,
        task_id=str(_TASK),
        piece_id=str(uuid5(_TASK, str(number))),
        run=1,
        accepted_at=now,
        deadline_at=now + _WITHIN,
        brief=brief(number),
    )


def generation(attempt_id: str, seed: int) -> Generation:
    """By the worker behind HTTP."""
    return Generation(
        provider="modal_sdxl_lora",
        model="stabilityai/stable-diffusion-xl-base-1.0",
        attempt_id=attempt_id,
        seed=seed,
        steps=28,
        cfg_scale=5.5,
        width=1024,
        height=1024,
        lora_applied=True,
        lora_scale=0.9,
        generation_time_ms=4000,
        cost_usd_micros=10_000,
    )


def verdict(image: BlobRef, piece_id: str) -> Verdict:
    """Approved; every piece looks different."""
    return Verdict(
        decision=Decision.APPROVED,
        rating=Rating.SAFE,
        explicitness_level=1,
        tier=Tier.CAPA1,
        image_sha256=image.sha256,
        judge="benchmark",
        policy_version="1",
        reason="nothing found",
        image_print=sha256(piece_id.encode()).hexdigest()[:16],
    )


async def staged(place: Place, piece_id: str, image: bytes) -> BlobRef:
    """The image where the generator would have left it."""
    return await place.staging.put(f"{piece_id}/1", image, media_type=PNG)


def unstaged(piece_id: str) -> BlobRef:
    """A claim check for bytes that nobody will ask for."""
    digest = sha256(piece_id.encode()).hexdigest()
    uri = f"jetstream://staging/{piece_id}/1/{digest}"
    return BlobRef(uri=uri, sha256=digest, size=1_500_000, media_type=PNG)

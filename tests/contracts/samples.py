"""One sample of every fact with every field said out loud, and the least that can be said."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from docs.pages.asyncapi.schemas import payload_of
from shared.content import (
    BlockCategory,
    BlockedOn,
    Captions,
    CaptionSource,
    JudgeReport,
    Lane,
    LoraRef,
    MadeWith,
    Platform,
    Signature,
    Tier,
    Value,
)
from shared.events import Fact
from shared.foreign import AvatarReadyBody, TaskRequestedBody
from shared.problems import ProblemDetails
from tests import builders

ACCEPTED_AT = datetime(2031, 5, 17, 12, 30, 15, 250_000, tzinfo=UTC)
RUN: dict[str, Any] = {
    "tenant": "default",
    "task_id": "3f2b8c1e-5a47-4d0e-9c6b-2f1a7e8d9b03",
    "piece_id": "9d1f0a52-7c3b-5e84-8b16-4a0c2d7e6f95",
    "deadline_at": ACCEPTED_AT + timedelta(minutes=15),
    "run": 2,
}
BRIEF = builders.brief(
    avatar_name="Ada",
    niche="travel",
    personality_tone="warm",
    likeness_name="Ada Beispiel",
    language="de",
    platform=Platform.FANVUE,
    tier=Tier.CAPA2,
    template_id="golden-hour-01",
    category="outdoor",
    scene="beach",
    framing="full",
    negative_prompt="blurry",
    seed=4_294_967_295,
    width=832,
    height=1216,
    steps=30,
    cfg_scale=6.5,
    scheduler="euler_ancestral",
    lora=LoraRef(key="loras/ada-v3.safetensors", scale=0.85),
    allow_degraded=False,
    include_hooks=False,
    safety_check=False,
    upload_to_storage=False,
)
PIECE: dict[str, Any] = {
    **RUN,
    "accepted_at": ACCEPTED_AT,
    "brief": BRIEF,
}
GENERATED = {
    "image": builders.blob(),
    "generation": builders.generation(
        preview=True,
        degraded=True,
        degraded_reason="cached",
        level=3,
        source="cached",
        cached_from="5b7e1f3a-0d24-5c96-b8a1-6e4f2d9c7038",
        attempt_id="",
        made_with=MadeWith(
            sampler="euler_ancestral",
            lora_sha256="c4" * 32,
            lora_rank=64,
            lora_reduced_from=128,
            largest_batch=4,
            device="NVIDIA H100 80GB HBM3",
            dtype="torch.float16",
            versions={"torch": "2.13.0", "diffusers": "0.42.1"},
        ),
    ),
}
WAITED_FOR = {"lane": Lane.INTERACTIVE}
CAPTIONED = {
    "captions": Captions(
        source=CaptionSource.MODEL,
        hooks=("Salt on the skin, sun on the sea.", "Where the road ends, the day begins."),
        provider="anthropic",
        model="claude-haiku-4-5",
        attempt_id="c7e0d5b2-91f4-5a38-8d6e-3b2a1f0c9e84",
        input_tokens=412,
        output_tokens=96,
        cost_usd_micros=892,
        instead_of="malformed",
    )
}
JUDGED = {
    "verdict": builders.verdict(
        judges=(
            JudgeReport(
                judge="openai",
                model="omni-moderation-latest",
                image_scores={"sexual": 0.02},
                text_scores={"sexual/minors": 0.001},
            ),
        ),
        unscored=("sexual/minors",),
        blocked=BlockCategory.MINORS,
        blocked_on=BlockedOn.IMAGE,
        image_print="8f3c0f1e2d4b5a69",
        approvals_needed=2,
        reviewers=("key-1", "key-2"),
        signature=Signature(key_id="0f1e2d3c4b5a6978", ed25519="ab" * 64),
    )
}
ONE_OF_TWO = "lora_weights_url"
"""A handover may name its weights in either of two fields, and has to in one."""
ASKED: dict[str, Any] = {
    "task_id": RUN["task_id"],
    "asker": builders.asker(idempotency_key="spring-campaign-3"),
}
PROBLEM = ProblemDetails(
    code="avatar_without_lora",
    status=400,
    detail="Avatar has no trained LoRA weights",
    field="avatar_id",
)
ENDED: dict[str, Any] = {**RUN, "avatar_id": builders.AVATAR_ID, "staged": (builders.blob(),)}


def sample_of(fact: type[Fact]) -> Value:
    """What is on the wire for a fact of this kind, with every field said out loud."""
    model = payload_of(fact)
    [sample] = [sample for sample in samples() if type(sample) is model]
    return sample


def samples() -> tuple[Value, ...]:
    """Every kind of fact once, in the order of the pipeline."""
    return (
        TaskRequestedBody(
            tenant="default",
            idempotency_key="spring-campaign-3",
            kind="single",
            order={"avatar_id": builders.AVATAR_ID, "custom_prompt": "by the sea", "seed": 7},
        ),
        builders.task_accepted(
            **ASKED, accepted_at=ACCEPTED_AT, deadline_at=RUN["deadline_at"], kind="single", total=1
        ),
        builders.task_refused(**ASKED, problem=PROBLEM),
        AvatarReadyBody(
            tenant="default",
            avatar_id=builders.AVATAR_ID,
            lora_weights_url="loras/a.safetensors",
            r2_path=None,
            lora_model_id="ada-v3",
            trigger_word="TOK_ada",
            lora_scale=0.85,
        ),
        builders.content_requested(**PIECE, lane=Lane.INTERACTIVE),
        builders.image_generated(**PIECE, **GENERATED, **WAITED_FOR),
        builders.content_hooked(**PIECE, **GENERATED, **WAITED_FOR, **CAPTIONED),
        builders.content_moderated(**PIECE, **GENERATED, **WAITED_FOR, **CAPTIONED, **JUDGED),
        builders.content_stored(
            **PIECE,
            **GENERATED,
            **WAITED_FOR,
            **CAPTIONED,
            **JUDGED,
            delivery=builders.delivery(held=True, public=False, uploaded=False),
        ),
        builders.review_approved(**PIECE, **GENERATED, **WAITED_FOR, **CAPTIONED, **JUDGED),
        builders.content_halted(**PIECE, **JUDGED, detail="not begun in time"),
        builders.content_persisted(**ENDED),
        builders.content_rejected(**ENDED),
        builders.content_failed(**ENDED, detail="not begun in time"),
        builders.delivery_withdrawn(**RUN),
        builders.task_completed(task_id=RUN["task_id"], deadline_at=RUN["deadline_at"]),
        builders.attempt_settled(
            **RUN,
            **GENERATED,
            **CAPTIONED,
            kind="captions",
            outcome="failed",
            error_code="TIMEOUT",
            detail="after 300 s",
        ),
    )


def least(model: type[BaseModel], said: Mapping[str, Any]) -> dict[str, Any]:
    """Only what a fact must say: `said` without every field that has a default."""
    return {
        name: _least_of(field.annotation, said[name])
        for name, field in model.model_fields.items()
        if field.is_required() or (model is AvatarReadyBody and name == ONE_OF_TWO)
    }


def _least_of(annotation: Any, value: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return least(annotation, value)
    return value

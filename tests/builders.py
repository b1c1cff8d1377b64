"""Facts with everything filled in: a test names only what matters to it.

Every builder takes the fields of its fact, and `brief=` accepts overrides of the brief as well.
Verdicts of facts are signed, unless one comes with a signature of its own.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeVar
from uuid import UUID, uuid4

from shared.content import (
    Asker,
    BlobRef,
    Brief,
    Captions,
    CaptionSource,
    Decision,
    Delivery,
    Generation,
    LoraRef,
    Platform,
    Rating,
    Tier,
    Verdict,
)
from shared.events import (
    AttemptSettled,
    AvatarReady,
    ContentFailed,
    ContentHalted,
    ContentHooked,
    ContentModerated,
    ContentPersisted,
    ContentRejected,
    ContentRequested,
    ContentStored,
    DeliveryWithdrawn,
    ImageGenerated,
    PieceFact,
    ReviewApproved,
    TaskAccepted,
    TaskCompleted,
    TaskRefused,
    TaskRequested,
)
from shared.ids import piece_id
from shared.problems import ProblemDetails
from tests.verdict_keys import signed

AVATAR_ID = str(UUID(int=0xA))
SHA256 = sha256(b"image").hexdigest()
DEADLINE = timedelta(minutes=15)

M = TypeVar("M", bound=ContentModerated)


def brief(**overrides: object) -> Brief:
    fields: dict[str, object] = {
        "avatar_id": AVATAR_ID,
        "platform": Platform.INSTAGRAM,
        "prompt": "TOK_a, a portrait in soft window light",
        "seed": 7,
        "lora": LoraRef(key="loras/a.safetensors"),
    }
    return Brief.model_validate(fields | overrides)


def blob(**overrides: object) -> BlobRef:
    fields: dict[str, object] = {
        "uri": f"jetstream://staging/p/1/{SHA256}",
        "sha256": SHA256,
        "size": 5,
        "media_type": "image/png",
    }
    return BlobRef.model_validate(fields | overrides)


def generation(**overrides: object) -> Generation:
    fields: dict[str, object] = {
        "provider": "preview",
        "model": "preview-1",
        "attempt_id": "a-1",
        "seed": 7,
        "steps": 28,
        "cfg_scale": 5.5,
        "width": 1024,
        "height": 1024,
        "lora_applied": True,
        "lora_scale": 0.9,
        "generation_time_ms": 1200,
        "cost_usd_micros": 10_000,
    }
    return Generation.model_validate(fields | overrides)


def captions(*hooks: str) -> Captions:
    return Captions(source=CaptionSource.TEMPLATE, hooks=hooks or ("Golden hour.",))


def verdict(**overrides: object) -> Verdict:
    fields: dict[str, object] = {
        "decision": Decision.APPROVED,
        "rating": Rating.SAFE,
        "explicitness_level": 1,
        "tier": Tier.CAPA1,
        "image_sha256": SHA256,
        "judge": "preview",
        "policy_version": "1",
        "reason": "a drawing",
    }
    return Verdict.model_validate(fields | overrides)


def delivery(**overrides: object) -> Delivery:
    fields: dict[str, object] = {
        "object_key": "content/a/p_token.png",
        "thumbnail_key": "content/a/p_token_thumb.jpg",
        "image_sha256": SHA256,
        "source_sha256": SHA256,
        "size": 5,
        "media_type": "image/png",
        "width": 1024,
        "height": 1024,
        "url": "http://localhost:8080/objects/content/a/p_token.png",
        "public": True,
    }
    return Delivery.model_validate(fields | overrides)


def asker(**overrides: object) -> Asker:
    fields: dict[str, object] = {"source": "/studio/planner", "id": "order-17"}
    return Asker.model_validate(fields | overrides)


def task_requested(**overrides: object) -> TaskRequested:
    fields: dict[str, object] = {
        "tenant": "default",
        "request_id": "order-17",
        "asker": asker(),
        "order": {"avatar_id": AVATAR_ID, "num_pieces": 3, "platform": "instagram"},
    }
    return TaskRequested.model_validate(fields | overrides)


def task_accepted(**overrides: object) -> TaskAccepted:
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "tenant": "default",
        "task_id": str(uuid4()),
        "asker": asker(),
        "request_id": "order-17",
        "avatar_id": AVATAR_ID,
        "kind": "batch",
        "total": 3,
        "accepted_at": now,
        "deadline_at": now + DEADLINE,
    }
    return TaskAccepted.model_validate(fields | overrides)


def task_refused(**overrides: object) -> TaskRefused:
    fields: dict[str, object] = {
        "tenant": "default",
        "task_id": str(uuid4()),
        "asker": asker(),
        "request_id": "order-17",
        "request_sequence": 1,
        "problem": ProblemDetails(
            code="avatar_not_found", status=404, detail="There is no avatar 'ada'."
        ),
    }
    return TaskRefused.model_validate(fields | overrides)


def avatar_ready(**overrides: object) -> AvatarReady:
    fields: dict[str, object] = {
        "tenant": "default",
        "avatar_id": AVATAR_ID,
        "lora_weights_url": "loras/a.safetensors",
    }
    return AvatarReady.model_validate(fields | overrides)


def content_requested(**overrides: object) -> ContentRequested:
    return ContentRequested.model_validate(_piece(overrides))


def image_generated(**overrides: object) -> ImageGenerated:
    return ImageGenerated.model_validate(_generated() | _piece(overrides))


def content_hooked(**overrides: object) -> ContentHooked:
    return ContentHooked.model_validate(_hooked() | _piece(overrides))


def content_moderated(**overrides: object) -> ContentModerated:
    return _signed(ContentModerated.model_validate(_moderated() | _piece(overrides)))


def content_stored(**overrides: object) -> ContentStored:
    fields = _moderated() | {"delivery": delivery()} | _piece(overrides)
    return _signed(ContentStored.model_validate(fields))


def review_approved(**overrides: object) -> ReviewApproved:
    held = {
        "delivery": delivery(held=True, public=False, url="review:content/a/p_token.png"),
        "verdict": verdict(decision=Decision.REVIEW, rating=Rating.PENDING_REVIEW),
        "rating": Rating.SAFE,
        "reviewers": ("key-1",),
        "run": 2,
    }
    return _signed(ReviewApproved.model_validate(_moderated() | _piece(held | overrides)))


def content_halted(**overrides: object) -> ContentHalted:
    news = {"stage": "content-hooked", "reason": "deadline"}
    return ContentHalted.model_validate(news | _piece(overrides))


def content_persisted(**overrides: object) -> ContentPersisted:
    news = {"image_sha256": SHA256, "object_key": "content/a/p_token.png"}
    return ContentPersisted.model_validate(_ended() | news | overrides)


def content_rejected(**overrides: object) -> ContentRejected:
    return ContentRejected.model_validate(_ended() | {"reason": "explicit"} | overrides)


def content_failed(**overrides: object) -> ContentFailed:
    return ContentFailed.model_validate(_ended() | {"reason": "deadline"} | overrides)


def delivery_withdrawn(**overrides: object) -> DeliveryWithdrawn:
    news: dict[str, object] = {"object_keys": ("content/a/p.png",), "reason": "superseded"}
    return DeliveryWithdrawn.model_validate(_run_of_a_piece() | news | overrides)


def task_completed(**overrides: object) -> TaskCompleted:
    fields: dict[str, object] = {
        "tenant": "default",
        "task_id": str(uuid4()),
        "deadline_at": datetime.now(UTC) + DEADLINE,
        "avatar_id": AVATAR_ID,
        "state": "completed",
        "total": 3,
        "persisted": 2,
        "rejected": 1,
        "failed": 0,
        "pending_review": 0,
    }
    return TaskCompleted.model_validate(fields | overrides)


def attempt_settled(**overrides: object) -> AttemptSettled:
    news: dict[str, object] = {
        "attempt_id": "a-1",
        "provider": "preview",
        "outcome": "succeeded",
        "duration_ms": 1200,
        "cost_usd_micros": 10_000,
    }
    return AttemptSettled.model_validate(_run_of_a_piece() | news | overrides)


def _run_of_a_piece() -> dict[str, object]:
    task_id = str(uuid4())
    return {
        "tenant": "default",
        "task_id": task_id,
        "deadline_at": datetime.now(UTC) + DEADLINE,
        "piece_id": piece_id(task_id, 0),
        "run": 1,
    }


def _piece(overrides: Mapping[str, object]) -> dict[str, object]:
    now = datetime.now(UTC)
    known = {
        **_run_of_a_piece(),
        "accepted_at": now,
        "deadline_at": now + DEADLINE,
        "brief": brief(),
    }
    given = dict(overrides)
    if isinstance(given.get("brief"), Mapping):
        given["brief"] = brief(**given["brief"])  # type: ignore[arg-type]
    return known | given


def _generated() -> dict[str, object]:
    return {"image": blob(), "generation": generation()}


def _hooked() -> dict[str, object]:
    return _generated() | {"captions": captions()}


def _moderated() -> dict[str, object]:
    return _hooked() | {"verdict": verdict()}


def _signed(event: M) -> M:
    return signed(event) if event.verdict.signature is None else event


def _ended() -> dict[str, object]:
    return _run_of_a_piece() | {"avatar_id": AVATAR_ID}


def following(fact: type[PieceFact], earlier: PieceFact, **news: object) -> PieceFact:
    """The next fact of the same piece, with whatever it needs filled in."""
    made = fact.following(earlier, **(_moderated() | {"delivery": delivery()} | news))
    return _signed(made) if isinstance(made, ContentModerated) else made

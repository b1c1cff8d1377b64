"""A stored fact as the columns of content and verdict."""

from sqlalchemy import RowMapping

from services.ledger.adapters.schema.base import PRINT_BITS
from services.ledger.domain.endings import PENDING_REVIEW, PERSISTED
from services.ledger.domain.progress import STORED
from shared.content import Verdict
from shared.events import ContentStored


def content_row(event: ContentStored, piece: RowMapping) -> dict[str, object]:
    """The row of `content_pieces` for a delivery; whose it is, the row of its piece says."""
    delivery, verdict, brief = event.delivery, event.verdict, event.brief
    hooks = event.captions.hooks
    return {
        "id": piece["id"],
        "tenant": piece["tenant"],
        "avatar_id": piece["avatar_id"],
        "task_id": piece["task_id"],
        "access_tier": verdict.tier.value,
        "template_id": brief.template_id,
        "url": delivery.url,
        "object_key": delivery.object_key,
        "thumbnail_key": delivery.thumbnail_key,
        "public": delivery.public,
        "uploaded": delivery.uploaded,
        "hook_text": hooks[0] if hooks else None,
        "safety_rating": verdict.rating.value,
        "explicitness_level": verdict.explicitness_level,
        "lora_id": brief.lora.key,
        "image_hash": delivery.image_sha256,
        "source_sha256": delivery.source_sha256,
        "verdict_decision": verdict.decision.value,
        "verdict_sha256": verdict.image_sha256,
        "meta_data": _meta_data(event),
        "image_print": verdict.image_print and _bits_of(verdict.image_print),
    }


def verdict_columns(verdict: Verdict) -> dict[str, object]:
    """The columns of a piece that keep what moderation said."""
    return {
        "verdict_decision": verdict.decision.value,
        "verdict_rating": verdict.rating.value,
        "verdict_level": verdict.explicitness_level,
        "verdict_tier": verdict.tier.value,
        "verdict_sha256": verdict.image_sha256,
        "verdict_judge": verdict.judge,
        "verdict_policy": verdict.policy_version,
        "verdict_reason": verdict.reason,
        "verdict": verdict.model_dump(mode="json"),
    }


def persisted_row(event: ContentStored) -> dict[str, object]:
    """The columns of a piece whose delivery is recorded, for those rows that it has by `id`."""
    row = {"id": event.piece_id, "state": PERSISTED, "content_id": event.piece_id}
    return row | _settled_row(event)


def held_row(event: ContentStored) -> dict[str, object]:
    """The columns of a piece that waits for review."""
    return _settled_row(event) | {
        "state": PENDING_REVIEW,
        "held": event.model_dump(mode="json"),
        "reason": PENDING_REVIEW,
        "detail": event.verdict.reason,
    }


def _bits_of(image_print: str) -> str:
    """A print as the database compares it."""
    return f"{int(image_print, 16):0{PRINT_BITS}b}"


def _settled_row(event: ContentStored) -> dict[str, object]:
    return {
        "reached": STORED,
        "current_run": event.run,
        "image_sha256": event.image.sha256,
        **verdict_columns(event.verdict),
    }


def _meta_data(event: ContentStored) -> dict[str, object]:
    delivery = event.delivery
    return {
        "hooks": list(event.captions.hooks),
        "hooks_source": event.captions.source.value,
        "captions": event.captions.model_dump(
            mode="json", exclude={"hooks", "source"}, exclude_defaults=True
        ),
        "generation": event.generation.model_dump(mode="json"),
        "media_type": delivery.media_type,
        "size": delivery.size,
        "width": delivery.width,
        "height": delivery.height,
    }

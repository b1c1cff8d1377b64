"""Facts and history about ends, made from the facts that led there."""

from typing import Any

from services.ledger.domain.endings import IN_REVIEW
from services.ledger.ports import Happening
from shared.content import BlobRef
from shared.events import (
    ContentHalted,
    ContentPersisted,
    ContentRejected,
    ContentStored,
    DeliveryWithdrawn,
    PieceEnded,
    PieceFact,
    ReviewApproved,
)

_HELD = "content.held"


def persisted(event: ContentStored, staged: tuple[BlobRef, ...]) -> ContentPersisted:
    """The delivered piece is recorded; its private bytes, those of all attempts, may go."""
    return ContentPersisted(
        **_ended(event),
        staged=tuple(dict.fromkeys((*_staged_now(event), *staged))),
        image_sha256=event.delivery.image_sha256,
        object_key=event.delivery.object_key,
    )


def rejected(event: ContentHalted, staged: tuple[BlobRef, ...]) -> ContentRejected:
    """Moderation refused the piece."""
    return ContentRejected(**_ended(event), staged=staged, reason=event.reason)


def withdrawn(event: ContentStored, *, piece_is_gone: bool) -> DeliveryWithdrawn:
    """The delivery came too late: its files must go."""
    return DeliveryWithdrawn(
        tenant=event.tenant,
        task_id=event.task_id,
        deadline_at=event.deadline_at,
        piece_id=event.piece_id,
        run=event.run,
        object_keys=(event.delivery.object_key, event.delivery.thumbnail_key),
        reason="avatar_deleted" if piece_is_gone else "superseded",
    )


def is_in_review(event: ContentStored) -> bool:
    """Whether the delivered bytes came out of the review store, and not out of staging."""
    return event.image.uri.startswith(IN_REVIEW)


def remembered_delivery(event: ContentStored) -> Happening:
    """A delivery, for the history."""
    delivery = event.delivery
    detail: dict[str, object] = {
        "object_key": delivery.object_key,
        "size": delivery.size,
        "public": delivery.public,
        "held": delivery.held,
    }
    return _remembered(event, event.NAME, detail)


def remembered_persistence(event: ContentStored) -> Happening:
    """That a delivery is recorded, for the history."""
    return _remembered(event, ContentPersisted.NAME, {"object_key": event.delivery.object_key})


def remembered_halt(event: ContentHalted) -> Happening:
    """A halt, for the history."""
    detail: dict[str, object] = {
        "stage": event.stage,
        "reason": event.reason,
        "detail": event.detail,
    }
    return _remembered(event, event.NAME, detail)


def held(event: ContentStored) -> Happening:
    """The wait for review, for the history."""
    return _remembered(event, _HELD, {"reason": event.verdict.reason})


def remembered_approval(event: ReviewApproved) -> Happening:
    """What people decided, for the history."""
    detail: dict[str, object] = {
        "rating": event.rating.value,
        "reviewers": list(event.reviewers),
    }
    return _remembered(event, event.NAME, detail)


def remembered_end(fact: PieceEnded, detail: dict[str, object]) -> Happening:
    """An end, for the history."""
    return Happening(
        tenant=fact.tenant,
        task_id=fact.task_id,
        piece_id=fact.piece_id,
        avatar_id=fact.avatar_id,
        run=fact.run,
        fact=fact.NAME,
        detail=detail,
    )


def _staged_now(event: ContentStored) -> tuple[BlobRef, ...]:
    return () if is_in_review(event) else (event.image,)


def _ended(event: PieceFact) -> dict[str, Any]:
    return {
        "tenant": event.tenant,
        "task_id": event.task_id,
        "deadline_at": event.deadline_at,
        "piece_id": event.piece_id,
        "run": event.run,
        "avatar_id": event.brief.avatar_id,
    }


def _remembered(event: PieceFact, fact: str, detail: dict[str, object]) -> Happening:
    return Happening(
        tenant=event.tenant,
        task_id=event.task_id,
        piece_id=event.piece_id,
        avatar_id=event.brief.avatar_id,
        run=event.run,
        fact=fact,
        detail=detail,
    )

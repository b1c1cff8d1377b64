"""A piece as clients see it, put together from its row, its content and its attempts."""

from typing import Any

from sqlalchemy import BigInteger, Row, Select, cast, func, select

from services.ledger.adapters.schema import attempts, content_pieces, pieces
from shared.calls import Piece
from shared.content import Brief, Captions, Generation

_CONTENT = (
    "content_type",
    "access_tier",
    "url",
    "object_key",
    "thumbnail_key",
    "public",
    "uploaded",
    "hook_text",
    "safety_rating",
    "explicitness_level",
    "image_hash",
    "price_usd_micros",
    "meta_data",
    "published_at",
    "near_duplicate_of",
    "taken_down_at",
)


def piece_query() -> Select[Any]:
    """Every column that `piece_of` reads; pieces without content have none of content's."""
    cost = (
        select(cast(func.coalesce(func.sum(attempts.c.cost_usd_micros), 0), BigInteger))
        .where(attempts.c.piece_id == pieces.c.id)
        .scalar_subquery()
    )
    generation = (
        select(attempts.c.generation)
        .where(attempts.c.piece_id == pieces.c.id, attempts.c.generation.is_not(None))
        .order_by(attempts.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(
        pieces,
        *(content_pieces.c[name] for name in _CONTENT),
        content_pieces.c.created_at.label("delivered_at"),
        cost.label("cost_usd_micros"),
        generation.label("generation"),
        # A row's own `index` is a method.
        pieces.c.index.label("position"),
    ).outerjoin(content_pieces, content_pieces.c.id == pieces.c.content_id)


def piece_of(row: Row[Any]) -> Piece:
    """The piece a row tells of. One that was taken down has no address any more."""
    brief = Brief.model_validate(row.brief)
    meta, captions = row.meta_data or {}, _captions(row)
    generation = meta.get("generation") or (row.held or {}).get("generation") or row.generation
    return Piece.model_validate(
        {
            "id": row.id,
            "task_id": row.task_id,
            "avatar_id": row.avatar_id,
            "index": row.position,
            "state": row.state,
            "run": row.current_run,
            "content_type": row.content_type or "image",
            "access_tier": row.access_tier or row.verdict_tier or brief.tier,
            "template_id": brief.template_id,
            "prompt": brief.prompt,
            "platform": brief.platform.value,
            **(_address(row) if row.taken_down_at is None else {}),
            "uploaded": brief.upload_to_storage if row.uploaded is None else row.uploaded,
            "image_sha256": row.image_hash or row.image_sha256,
            "media_type": meta.get("media_type"),
            **(_written(captions) if captions is not None else {}),
            "safety_rating": row.safety_rating or row.verdict_rating,
            "explicitness_level": row.explicitness_level or row.verdict_level,
            "verdict_reason": row.verdict_reason,
            "generation": generation and Generation.model_validate(generation),
            "cost_usd_micros": row.cost_usd_micros,
            "price_usd_micros": row.price_usd_micros,
            "reason": row.reason,
            "detail": row.detail,
            "created_at": row.delivered_at or row.created_at,
            "ended_at": row.ended_at,
            "published_at": row.published_at,
            "near_duplicate_of": row.near_duplicate_of,
            "taken_down_at": row.taken_down_at,
        }
    )


def _address(row: Row[Any]) -> dict[str, object]:
    return {
        "object_key": row.object_key,
        "thumbnail_key": row.thumbnail_key,
        "url": row.url,
        "public": bool(row.public),
    }


def _written(captions: Captions) -> dict[str, object]:
    return {
        "hook_text": captions.hooks[0] if captions.hooks else None,
        "hooks": captions.hooks,
        "hooks_source": captions.source,
        "hooks_provider": captions.provider or None,
        "hooks_model": captions.model or None,
        "hooks_instead_of": captions.instead_of or None,
    }


def _captions(row: Row[Any]) -> Captions | None:
    if row.meta_data:
        meta = row.meta_data
        # Content from before captions were bought says nothing about their purchase.
        bought = meta.get("captions", {})
        said = {"source": meta["hooks_source"], "hooks": meta["hooks"]}
        return Captions.model_validate(bought | said)
    if row.held:
        return Captions.model_validate(row.held["captions"])
    return None

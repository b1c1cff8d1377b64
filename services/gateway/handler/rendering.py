"""Show pieces to clients: by open addresses, signed links, or the picture itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin

from services.gateway.handler.door import Door
from services.gateway.handler.embedding import embed
from services.gateway.handler.json_types import seconds, usd
from services.gateway.handler.piece_views import ContentPiece, GenerationParams, PieceMetadata
from shared.calls import LIST_PIECES, SIGN_LINKS, ListPieces, Piece, SignLinks

DELIVERED = "persisted"
KEYS_PER_CALL = 100
PIECES_PER_CALL = 50


@dataclass
class Links:
    """Where each object key can be read."""

    urls: dict[str, str] = field(default_factory=dict)

    def of(self, key: str | None) -> str | None:
        return self.urls.get(key) if key else None


async def show(door: Door, tenant: str, pieces: Sequence[Piece]) -> list[ContentPiece]:
    """The pieces as clients see them, in the same order."""
    links = await links_of(door, tenant, pieces)
    return [ContentPiece(**members(piece, links)) for piece in pieces]


async def all_delivered(door: Door, tenant: str, task_id: str) -> list[Piece]:
    """Every finished piece of a task, in order."""
    pieces: list[Piece] = []
    cursor: str | None = None
    while True:
        wanted = ListPieces(tenant=tenant, task_id=task_id, cursor=cursor, limit=PIECES_PER_CALL)
        page = await door.ask(LIST_PIECES, wanted)
        pieces.extend(page.pieces)
        cursor = page.next_cursor
        if cursor is None:
            return pieces


async def links_of(door: Door, tenant: str, pieces: Iterable[Piece]) -> Links:
    """Addresses of all delivered files; what is not delivered has none, whatever its row says."""
    delivered = [piece for piece in pieces if _may_be_seen(piece)]
    private = [piece for piece in delivered if piece.uploaded and not piece.public]
    kept_back = [key for piece in delivered if not piece.uploaded for key in _keys(piece)]
    embedded, linked = await embed(door, tenant, kept_back)
    links = Links(embedded)
    for piece in delivered:
        if piece.uploaded and piece.public:
            links.urls |= {key: _open_url(door, key) for key in _keys(piece)}
    links.urls |= await _sign(door, tenant, [*(k for p in private for k in _keys(p)), *linked])
    return links


def members(piece: Piece, links: Links) -> dict[str, Any]:
    """The members of `ContentPiece`."""
    return {
        "id": piece.id,
        "avatar_id": piece.avatar_id,
        "content_type": piece.content_type,
        "access_tier": piece.access_tier,
        "url": links.of(piece.object_key),
        "thumbnail_url": links.of(piece.thumbnail_key),
        "hook_text": piece.hook_text,
        "safety_rating": piece.safety_rating,
        "explicitness_level": piece.explicitness_level,
        "price_usd": None if piece.price_usd_micros is None else usd(piece.price_usd_micros),
        "created_at": piece.created_at,
        "published_at": piece.published_at,
        "near_duplicate_of": piece.near_duplicate_of,
        "taken_down_at": piece.taken_down_at,
        "metadata": _metadata(piece),
    }


def _may_be_seen(piece: Piece) -> bool:
    return piece.state == DELIVERED and piece.taken_down_at is None


def _metadata(piece: Piece) -> PieceMetadata:
    made = piece.generation
    return PieceMetadata(
        generation_params=_params(piece),
        generation_time=seconds(made.generation_time_ms) if made else None,
        cost=usd(piece.cost_usd_micros),
        provider=made.provider if made else None,
        model=made.model if made else None,
        preview=made.preview if made else False,
        **_quality(piece),
        **_captions(piece),
        template_id=piece.template_id,
        platform=piece.platform,
        task_id=piece.task_id,
    )


def _quality(piece: Piece) -> dict[str, Any]:
    names = {"degraded", "degraded_reason", "level", "source", "cached_from"}
    return piece.generation.model_dump(include=names) if piece.generation else {}


def _captions(piece: Piece) -> dict[str, Any]:
    names = {"hooks", "hooks_source", "hooks_provider", "hooks_model", "hooks_instead_of"}
    return piece.model_dump(include=names)


def _params(piece: Piece) -> GenerationParams:
    names = {"seed", "steps", "cfg_scale", "width", "height", "lora_scale", "made_with"}
    made = piece.generation.model_dump(include=names) if piece.generation else {}
    return GenerationParams(prompt=piece.prompt, **made)


def _keys(piece: Piece) -> list[str]:
    return [key for key in (piece.object_key, piece.thumbnail_key) if key]


def _open_url(door: Door, key: str) -> str:
    return f"{door.objects_base_url}/{quote(key)}"


async def _sign(door: Door, tenant: str, keys: Sequence[str]) -> dict[str, str]:
    urls: dict[str, str] = {}
    for start in range(0, len(keys), KEYS_PER_CALL):
        some = tuple(keys[start : start + KEYS_PER_CALL])
        wanted = SignLinks(tenant=tenant, keys=some, expires_s=door.link_ttl_s)
        signed = await door.ask(SIGN_LINKS, wanted)
        # A store that lives behind this door names paths only.
        full = (urljoin(f"{door.public_base_url}/", url) for url in signed.urls)
        urls |= dict(zip(some, full, strict=True))
    return urls

"""Names of delivered objects, and who may read them. Pure decisions."""

import base64
import hashlib
import hmac
from collections.abc import Collection

from shared.content import Tier

IN_REVIEW = "review:"
"""How the address of bytes begins that wait for review, or have been approved there."""

_DELIVERED = "content/"


def object_token(secret: bytes, piece_id: str, run: int, sha256: str) -> str:
    """128 bits that nobody can guess who knows the piece, and that differ for every run and bytes.

    A latecomer therefore never shares its key with the delivery that won, and may be deleted.
    """
    digest = hmac.new(secret, f"{piece_id}/{run}/{sha256}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()


def object_key(avatar_id: str, piece_id: str, token: str, extension: str) -> str:
    """Key of the delivered image."""
    return f"content/{avatar_id}/{piece_id}_{token}.{extension}"


def thumbnail_key(avatar_id: str, piece_id: str, token: str) -> str:
    """Key of its thumbnail."""
    return f"content/{avatar_id}/{piece_id}_{token}_thumb.jpg"


def beginning_of_keys(avatar_id: str, piece_id: str) -> str:
    """How the keys of a piece begin, whatever its run and bytes."""
    return f"content/{avatar_id}/{piece_id}_"


def is_of_delivery(key: str, object_key: str) -> bool:
    """Whether a key is that of this delivered image or of its thumbnail."""
    return key.startswith(object_key.rpartition(".")[0])


def is_public(tier: Tier, public_tiers: Collection[Tier], *, uploaded: bool) -> bool:
    """Whether anybody may read a delivered piece of this tier."""
    return uploaded and tier in public_tiers


def is_plain_key(key: str) -> bool:
    """Whether a key names an object below the root and nothing else."""
    parts = key.split("/")
    return all(part not in {"", ".", ".."} and "\\" not in part for part in parts)


def held_key(uri: str, avatar_id: str, piece_id: str) -> str | None:
    """The key in an address of held bytes, if it is one of this piece's."""
    key = uri.removeprefix(IN_REVIEW)
    mine = key.startswith(beginning_of_keys(avatar_id, piece_id))
    return key if mine and is_plain_key(key) else None


def is_delivered_key(key: str) -> bool:
    """Whether a key can be that of a delivered object."""
    return key.startswith(_DELIVERED) and is_plain_key(key)

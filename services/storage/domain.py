"""Names of delivered objects, who may read them, what they tell of themselves. Pure decisions."""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from shared.content import Generation, LoraRef, Tier
from shared.events import ContentModerated
from shared.provenance import AppliedLora, Provenance

MOST_IMAGE_BYTES = 32 * 2**20
"""More than any provider's image may have. Looked at before an image is read."""

IN_REVIEW = "review:"
"""How the address of bytes begins that wait for review, or have been approved there."""

DELIVERED = "content/"
"""How every key of a delivered or held file begins."""

_THUMBNAIL = "_thumb"
_OF_A_PIECE = re.compile(rf"{DELIVERED}[^/]+/(?P<piece>[A-Za-z0-9-]{{1,64}})_[^/]+")
_ORIGINAL = "_original"


class DeliveryFormat(StrEnum):
    """How delivered files are encoded."""

    JPEG = "jpeg"
    WEBP = "webp"
    ORIGINAL = "original"
    """As the provider's image was."""


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
    return f"content/{avatar_id}/{piece_id}_{token}{_THUMBNAIL}.jpg"


@dataclass(frozen=True, slots=True)
class FileNames:
    """Keys of what is kept of one run of a piece."""

    avatar_id: str
    piece_id: str
    token: str

    @property
    def thumbnail(self) -> str:
        """Of its thumbnail."""
        return thumbnail_key(self.avatar_id, self.piece_id, self.token)

    def image(self, extension: str) -> str:
        """Of the delivered image, or of the held one."""
        return object_key(self.avatar_id, self.piece_id, self.token, extension)

    def original(self, extension: str) -> str:
        """Of the judged bytes, where they are kept beside the delivered image."""
        return object_key(self.avatar_id, self.piece_id, f"{self.token}{_ORIGINAL}", extension)


def beginning_of_keys(avatar_id: str, piece_id: str) -> str:
    """How the keys of a piece begin, whatever its run and bytes."""
    return f"content/{avatar_id}/{piece_id}_"


def beginning_of_delivery(key: str) -> str:
    """How the keys of all files of a delivery begin, by the key of its image or thumbnail."""
    folder, slash, name = key.rpartition("/")
    stem = name.rpartition(".")[0].removesuffix(_THUMBNAIL)
    # Never a beginning that the files of others have as well.
    return f"{folder}{slash}{stem or name}"


def is_of_delivery(key: str, object_key: str) -> bool:
    """Whether a key is that of this delivered image, or of a file that lies beside it."""
    return key.startswith(beginning_of_delivery(object_key))


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


def piece_of_key(key: str) -> str | None:
    """The piece whose file this is by its name; None for what is no file of a delivery."""
    named = _OF_A_PIECE.fullmatch(key)
    return named["piece"] if named else None


def is_delivered_key(key: str) -> bool:
    """Whether a key can be that of a delivered object."""
    return key.startswith(DELIVERED) and is_plain_key(key)


def provenance_of(event: ContentModerated) -> Provenance:
    """What the credentials of this piece's files tell; nothing of its prompt."""
    generation = event.generation
    return Provenance(
        piece_id=event.piece_id,
        run=event.run,
        source_sha256=event.image.sha256,
        model=generation.model,
        preview=generation.preview,
        lora=_applied(event.brief.lora, generation) if generation.lora_applied else None,
        ordered_at=event.accepted_at,
        generation_time_ms=generation.generation_time_ms,
    )


def _applied(lora: LoraRef, generation: Generation) -> AppliedLora:
    made_with = generation.made_with
    return AppliedLora(
        # A digest: a bucket's key may tell more than its owner wants to be read.
        key_sha256=hashlib.sha256(lora.key.encode()).hexdigest(),
        file_sha256=None if made_with is None else made_with.lora_sha256,
        scale=generation.lora_scale,
    )

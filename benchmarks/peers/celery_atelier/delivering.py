"""The files of a delivery, by storage's own functions: the same copies, credentials and checks."""

import hashlib
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

from benchmarks.peers.celery_atelier import judging, work
from services.storage.adapters.credentials import C2paCredentials, open_credentials
from services.storage.adapters.pillow_imaging.decoding import decode
from services.storage.adapters.pillow_imaging.encoding import FORMS, encode, encode_thumbnail
from shared.provenance import AppliedLora, Provenance

Piece = dict[str, Any]

_QUALITY = 90


def deliver(piece: Piece, image: bytes) -> dict[str, Any]:
    """Write a copy and a thumbnail of the judged bytes where they are served from, both signed."""
    digest = hashlib.sha256(image).hexdigest()
    if judging.vouched(piece).image_sha256 != digest:
        raise ValueError("the verdict is about other bytes")
    _, pixels = decode(image)
    made = _provenance(piece, digest)
    thumbnail, copy = (
        replace(plain, data=_credentials().sign(plain, made))
        for plain in (encode_thumbnail(pixels), encode(pixels, FORMS["JPEG"], _QUALITY))
    )
    key = f"content/{piece['brief']['avatar_id']}/{piece['piece_id']}_{uuid4().hex}"
    root = work.directory("public")
    work.write(root / f"{key}_thumb.{thumbnail.extension}", thumbnail.data)
    work.write(root / f"{key}.{copy.extension}", copy.data)
    return {
        "object_key": f"{key}.{copy.extension}",
        "thumbnail_key": f"{key}_thumb.{thumbnail.extension}",
        "image_sha256": hashlib.sha256(copy.data).hexdigest(),
        "width": copy.width,
        "height": copy.height,
        "size": len(copy.data),
    }


def _provenance(piece: Piece, digest: str) -> Provenance:
    lora = piece["brief"]["lora"]
    return Provenance(
        piece_id=piece["piece_id"],
        run=1,
        source_sha256=digest,
        model=piece["generation"]["model"],
        lora=AppliedLora(
            key_sha256=hashlib.sha256(lora["key"].encode()).hexdigest(), scale=lora["scale"]
        ),
        ordered_at=datetime.fromisoformat(piece["ordered_at"]),
        generation_time_ms=0,
    )


@cache
def _credentials() -> C2paCredentials:
    return open_credentials(
        certificate_file=None,
        private_key_file=None,
        development_dir=work.directory("credentials"),
    )

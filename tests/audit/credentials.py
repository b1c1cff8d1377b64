"""The content credentials of a file, read with the library of the C2PA and nobody else's words."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import c2pa

ASSERTION = "atelier.generation"
INVALID = "Invalid"
# Reading asks nobody, whatever a file wishes.
SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
MEDIA_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Which piece a file says it is of, and of which judged bytes.

    `intact`: nothing was changed since it was signed. Whom to trust is not asked.
    """

    piece_id: str
    source_sha256: str
    intact: bool


def credentials_in(data: bytes) -> Credentials | None:
    """What a file tells of itself; None if it tells nothing of ours."""
    media_type = next((name for magic, name in MEDIA_TYPES.items() if data.startswith(magic)), None)
    if media_type is None:
        return None
    context = c2pa.Context.from_dict(SETTINGS)
    try:
        with c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader:
            store: Mapping[str, Any] = json.loads(reader.json())
    except c2pa.C2paError:
        return None
    told = _generation(store)
    if told is None:
        return None
    return Credentials(
        piece_id=str(told.get("piece_id")),
        source_sha256=str(told.get("source_sha256")),
        intact=store.get("validation_state", INVALID) != INVALID,
    )


def _generation(store: Mapping[str, Any]) -> Mapping[str, Any] | None:
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    for assertion in active.get("assertions", ()):
        if assertion.get("label") == ASSERTION:
            data: Mapping[str, Any] = assertion.get("data") or {}
            return data
    return None

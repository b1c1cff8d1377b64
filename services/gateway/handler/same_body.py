"""Bodies that mean the same, however they were written down."""

import hashlib
import json

from services.gateway.handler.json_types import Body


def body_sha256(kind: str, body: Body) -> str:
    """Tells bodies of a kind apart: what is left out counts as its default.

    It stays the same when a later release knows more fields.
    """
    meant = body.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps([kind, meant], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

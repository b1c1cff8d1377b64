"""Who asks twice by the same identity orders once: the identity, and the task id that follows."""

import re
from uuid import UUID, uuid5

from shared.content import Asker

TASK_IDS = UUID("777cfe6e-e69a-4b01-8299-42efef3979dd")
"""Namespace of the task ids of orders by event. Senders compute with it: it never changes."""

KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")
"""What a chosen key may be at either door: 1 to 255 visible ASCII characters."""


def key_identity(idempotency_key: str) -> str:
    """The identity that a chosen key gives, the same at both doors."""
    return f"key:{idempotency_key}"


def identity_of(asker: Asker) -> str | None:
    """What makes two requests the same order; None if the sender gave nothing to tell them by."""
    if asker.idempotency_key is not None:
        return key_identity(asker.idempotency_key)
    if asker.source is not None and asker.id is not None:
        return f"ce:{asker.source} {asker.id}"
    return None


def task_id_of(tenant: str, identity: str) -> str:
    """The task's id, the same whoever computes it and however often the request arrives."""
    return str(uuid5(TASK_IDS, f"{tenant}|{identity}"))

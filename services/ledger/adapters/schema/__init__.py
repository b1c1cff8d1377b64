"""The tables, as the migrations leave them. The database itself refuses what must never be.

Ids are text, times carry their zone, money is integers of micro-dollars. Attempts and history
keep the ids of what they are about without foreign keys: they outlive it.
"""

from services.ledger.adapters.schema.base import UNSETTLED, metadata
from services.ledger.adapters.schema.content import (
    avatars,
    content_pieces,
    lora_models,
    pieces,
    tasks,
)
from services.ledger.adapters.schema.keys import api_keys, order_keys
from services.ledger.adapters.schema.records import attempts, outbox, piece_events

__all__ = [
    "UNSETTLED",
    "api_keys",
    "attempts",
    "avatars",
    "content_pieces",
    "lora_models",
    "metadata",
    "order_keys",
    "outbox",
    "piece_events",
    "pieces",
    "tasks",
]

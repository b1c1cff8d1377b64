"""The tables, as the migrations leave them. The database itself refuses what must never be.

Ids are text, times carry their zone, money is integers of micro-dollars. Attempts and history
keep the ids of what they are about without foreign keys: they outlive it. So do the records of
moderation, which a trigger of the migrations keeps from being changed or deleted.
"""

from services.ledger.adapters.schema.base import (
    OPEN,
    UNCLEAR,
    UNSETTLED,
    WAITING_FOR_REVIEW,
    metadata,
)
from services.ledger.adapters.schema.content import (
    avatars,
    content_pieces,
    lora_models,
    pieces,
    tasks,
)
from services.ledger.adapters.schema.keys import api_keys, order_keys, request_keys
from services.ledger.adapters.schema.moderation import (
    blocked_images,
    moderation_actions,
    review_decisions,
)
from services.ledger.adapters.schema.records import attempts, outbox, piece_events

__all__ = [
    "OPEN",
    "UNCLEAR",
    "UNSETTLED",
    "WAITING_FOR_REVIEW",
    "api_keys",
    "attempts",
    "avatars",
    "blocked_images",
    "content_pieces",
    "lora_models",
    "metadata",
    "moderation_actions",
    "order_keys",
    "outbox",
    "piece_events",
    "pieces",
    "request_keys",
    "review_decisions",
    "tasks",
]

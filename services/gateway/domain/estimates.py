"""How long an order may take, how long it will take and what it will cost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal

from shared.content import Lane

SECONDS_PER_BLOCK = 900
PIECES_PER_BLOCK = 50
MAX_INTERACTIVE_PIECES = 10


@dataclass(frozen=True, slots=True)
class Rate:
    """What a piece adds to a batch: seconds of waiting (parallel work counted in) and dollars."""

    seconds: Decimal
    usd: Decimal


# Measured on a small machine for `preview`; the rest is what the vendors publish, with as many
# calls at a time as one generator makes by default.
RATES = {
    "preview": Rate(Decimal("0.2"), Decimal(0)),
    "modal_sdxl_lora": Rate(Decimal(6), Decimal("0.01")),
    "comfyui": Rate(Decimal(6), Decimal(0)),
    "replicate": Rate(Decimal(3), Decimal("0.04")),
    "openai_images": Rate(Decimal(15), Decimal("0.06")),
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What to expect of an order."""

    minutes: Decimal
    usd: Decimal


def estimate(pieces: int, rate: Rate) -> Estimate:
    """Minutes, rounded up to a tenth, and exact dollars for that many pieces."""
    minutes = (rate.seconds * pieces / 60).quantize(Decimal("0.1"), rounding=ROUND_UP)
    return Estimate(minutes=minutes, usd=rate.usd * pieces)


def deadline(accepted_at: datetime, pieces: int) -> datetime:
    """When work on an order stops: 15 minutes for every 50 pieces or part of them."""
    blocks = -(-pieces // PIECES_PER_BLOCK)
    return accepted_at + timedelta(seconds=SECONDS_PER_BLOCK * blocks)


def lane(pieces: int, *, somebody_waits: bool) -> Lane:
    """Small orders that somebody waits for do not queue behind batches."""
    quick = somebody_waits and pieces <= MAX_INTERACTIVE_PIECES
    return Lane.INTERACTIVE if quick else Lane.BULK

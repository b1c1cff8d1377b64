"""Counts worth knowing that break nothing."""

from collections import Counter
from collections.abc import Mapping

from tests.audit import caption_log, provider_log
from tests.audit.rows import CAPTIONS
from tests.audit.world import HELD, World


def figures(world: World) -> Mapping[str, int]:
    """Pieces by how they ended, purchases, and what redeliveries left behind."""
    states = Counter(piece.state for piece in world.books.pieces)
    outcomes = Counter(row.outcome for row in world.books.attempts)
    names = ("persisted", "rejected", "failed", HELD)
    return {
        "tasks": len(world.books.tasks),
        "pieces": len(world.books.pieces),
        **{name: states[name] for name in names},
        "calls": len(provider_log.calls(world)),
        "billed": sum(call.billed for call in provider_log.calls(world)),
        "succeeded": outcomes["succeeded"],
        "captioned": sum(
            row.kind == CAPTIONS and row.outcome == "succeeded" for row in world.books.attempts
        ),
        "caption_calls": len(caption_log.calls(world)),
        "unknown": outcomes["unknown"],
        "reconciled": sum(row.reconciled_at is not None for row in world.books.attempts),
        "paid_failures": sum(
            row.outcome == "failed" and row.cost_usd_micros > 0 for row in world.books.attempts
        ),
        "rebuys": _rebuys(world),
        "substituted": sum(row.source == "cached" for row in world.books.contents),
        "lost_images": sum(row.bytes_lost_at is not None for row in world.books.attempts),
        "later_runs": sum(piece.run > 1 for piece in world.books.pieces),
        "reviewed": len({row.piece_id for row in world.books.decisions}),
        "taken_down": sum(row.taken_down_at is not None for row in world.books.contents),
        "frozen": sum(row.frozen_at is not None for row in world.books.avatars),
        "withdrawn": len(world.messages("delivery.withdrawn")),
        "staged": len(world.streams.staged),
        "probes": len(world.evidence.probes),
        "faults": len(world.evidence.faults),
    }


def _rebuys(world: World) -> int:
    """Successes that the provider billed for a piece beyond its first."""
    billed = Counter(call.wish for call in provider_log.calls(world) if call.billed)
    pieces = Counter(provider_log.wish_of_brief(piece.brief) for piece in world.books.pieces)
    return sum(max(0, count - pieces[wish]) for wish, count in billed.items())

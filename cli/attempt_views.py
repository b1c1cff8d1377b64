"""How provider calls look to a person."""

from collections.abc import Mapping
from typing import Any

from cli.provider_views import money, seconds
from cli.review_views import moment

COLUMNS = ("attempt", "at", "for", "provider", "outcome", "cost")
STYLES = {"unknown": "yellow", "failed": "red"}


def row(attempt: Mapping[str, Any]) -> tuple[str, ...]:
    """One line of the list: so few columns that an id fits beside them."""
    return (
        attempt["attempt_id"],
        moment(attempt["opened_at"])[5:],
        attempt["kind"],
        attempt["provider"],
        _outcome(attempt),
        money(attempt["cost_usd"]),
    )


def facts(attempt: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What helps to find a call on a bill."""
    known = [
        ("attempt", attempt["attempt_id"]),
        ("for", attempt["kind"]),
        ("provider", attempt["provider"]),
        ("provider's id", attempt["call_id"]),
        ("begun at", f"{moment(attempt['opened_at'])} UTC"),
        ("took", seconds(attempt["duration_s"])),
        ("ended", f"{attempt['error_code'] or ''} {attempt['detail']}".strip()),
        ("piece", attempt["piece_id"]),
    ]
    return [(name, value) for name, value in known if value]


def verdict(attempt: Mapping[str, Any]) -> str:
    """What is on record now, in a sentence."""
    cost = attempt["cost_usd"]
    said = f"was charged {money(cost)}" if cost else "was not charged"
    return f"{attempt['attempt_id']} {said}."


def _outcome(attempt: Mapping[str, Any]) -> str:
    parts = [attempt["outcome"], attempt["error_code"]]
    if attempt["reconciled_at"]:
        parts.append("(reconciled)")
    return " ".join(filter(None, parts))

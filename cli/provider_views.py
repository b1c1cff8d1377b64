"""How providers look to a person."""

from collections.abc import Collection, Mapping
from typing import Any

COLUMNS = (
    "provider",
    "breaker",
    "calls",
    "ok",
    "median",
    "p95",
    "unknown",
    "busy",
    "price",
    "model",
)
STYLES = {"closed": "green", "half-open": "yellow", "open": "red", "not": "dim"}
_UNTOLD = "?"


def row(provider: Mapping[str, Any], *, away: Collection[str]) -> tuple[str, ...]:
    """One line of the list; `away`: who could not be asked."""
    return (
        provider["name"],
        _UNTOLD if "generator" in away else _breaker(provider),
        *((_UNTOLD,) * 5 if "ledger" in away else _hour(provider)),
        _busy(provider),
        money(provider["price_usd"]),
        _model(provider),
    )


def may_be_called(provider: Mapping[str, Any]) -> bool:
    """Whether a call would go through now, or as a probe."""
    return provider["breaker"] in {"closed", "half_open"}


def money(usd: float | None) -> str:
    """Dollars, to the cent at least and to the micro-dollar at most."""
    if usd is None:
        return ""
    text = f"{usd:.6f}".rstrip("0")
    return f"${text}{'0' * (2 - len(text.partition('.')[2]))}"


def seconds(value: float | None) -> str:
    """Seconds to the tenth."""
    return "" if value is None else f"{value:.1f} s"


def _breaker(provider: Mapping[str, Any]) -> str:
    if provider["breaker"] is None:
        return "not used"
    state = provider["breaker"].replace("_", "-")
    wait_s = provider["retry_after_s"]
    return f"{state} for {wait_s:.0f} s" if wait_s else str(state)


def _hour(provider: Mapping[str, Any]) -> tuple[str, ...]:
    rate = provider["success_rate"]
    return (
        str(provider["calls"]),
        "" if rate is None else f"{rate:.0%}",
        seconds(provider["median_s"]),
        seconds(provider["p95_s"]),
        str(provider["unknown"]),
    )


def _busy(provider: Mapping[str, Any]) -> str:
    if provider["in_flight"] is None:
        return ""
    return f"{provider['in_flight']}/{provider['concurrency']}"


def _model(provider: Mapping[str, Any]) -> str:
    loses = ["no likeness"] if provider["keeps_likeness"] is False else []
    return ", ".join([*filter(None, [provider["model"]]), *loses])

"""How the providers of images look to operators."""

from datetime import date
from typing import Literal

from pydantic import Field

from services.gateway.handler.json_types import JsonDecimal, View, seconds, usd
from shared.calls import ProviderRecord, ProviderState, ProviderStates

Part = Literal["generator", "ledger"]


class ProviderView(View):
    """One provider: how the generator uses it, and what its calls of the last hour came to.

    What the generator would tell is null for a provider that it does not use any more.
    """

    name: str
    model: str | None = Field(description="empty where the worker decides")
    level: int | None = Field(description="1: asked first; 2: a fallback")
    breaker: Literal["closed", "open", "half_open"] | None = Field(
        description="whether it may be called: `open` means no, `half_open` one call at a time"
    )
    retry_after_s: float | None = Field(description="until a call may be made again")
    keeps_likeness: bool | None = Field(description="whether it applies the avatar's weights")
    in_flight: int | None = Field(description="calls under way from this replica")
    concurrency: int | None = Field(description="most calls at a time from a replica")
    max_in_flight: int | None = Field(description="most calls at a time from all replicas")
    price_usd: JsonDecimal | None = Field(description="for an image of 1024 by 1024")
    price_read: date | None = Field(description="when the price was looked up")
    calls: int | None = Field(description="that say something about it, of all replicas")
    success_rate: float | None = Field(description="0 to 1; null without calls")
    median_s: JsonDecimal | None = Field(description="of successes")
    p95_s: JsonDecimal | None = Field(description="of successes")
    cost_usd: JsonDecimal | None
    unknown: int | None = Field(description="calls of which nobody knows how they ended")


class ProviderList(View):
    """All providers, as one replica of the generator sees them, in the order of its settings."""

    strategy: str | None
    providers: list[ProviderView]
    away: list[Part] = Field(description="who did not answer; what they would tell is null")


def provider_list(
    states: ProviderStates | None, records: tuple[ProviderRecord, ...] | None
) -> ProviderList:
    """Both sides joined by name; whoever was only called of late comes last."""
    known = {state.name: state for state in states.providers} if states else {}
    # Whoever writes captions is not the generator's to use: it would look like one that is gone.
    of_images = (record for record in records or () if record.kind == "image")
    measured = {record.provider: record for record in of_images}
    names = dict.fromkeys((*known, *measured))
    silent: dict[Part, bool] = {"generator": states is None, "ledger": records is None}
    return ProviderList(
        strategy=states.strategy if states else None,
        providers=[
            ProviderView.model_validate(
                {"name": name}
                | _used(known.get(name))
                | _seen(measured.get(name), is_told=records is not None)
            )
            for name in names
        ],
        away=[part for part, is_silent in silent.items() if is_silent],
    )


_USED = (
    "model",
    "level",
    "breaker",
    "retry_after_s",
    "keeps_likeness",
    "in_flight",
    "concurrency",
    "max_in_flight",
    "price_read",
)


def _used(state: ProviderState | None) -> dict[str, object]:
    if state is None:
        return dict.fromkeys((*_USED, "price_usd"))
    return state.model_dump(include=set(_USED)) | {"price_usd": usd(state.price_usd_micros)}


def _seen(record: ProviderRecord | None, *, is_told: bool) -> dict[str, object]:
    if record is None:
        # Nobody has called it, or nobody can tell.
        none = 0 if is_told else None
        unmeasured = dict.fromkeys(("success_rate", "median_s", "p95_s"))
        return {"calls": none, "cost_usd": none, "unknown": none, **unmeasured}
    return {
        "calls": record.calls,
        "success_rate": record.success_rate if record.calls else None,
        "median_s": None if record.median_ms is None else seconds(record.median_ms),
        "p95_s": None if record.p95_ms is None else seconds(record.p95_ms),
        "cost_usd": usd(record.cost_usd_micros),
        "unknown": record.unknown,
    }

"""How a trial ended, for people and for machines."""

from dataclasses import dataclass
from pathlib import Path

from services.generator.domain.failures import ProviderFailure
from services.generator.ports import MadeImage, Provider
from services.generator.trial.advice import next_step
from services.generator.trial.trying import Trial
from shared.content import Brief
from shared.money import to_usd

Known = dict[str, object]
Rows = dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """A trial that is over, and where its image was written to."""

    trial: Trial
    brief: Brief
    saved: Path | None

    def made(self, made: MadeImage, media_type: str) -> tuple[Known, Rows]:
        """It works."""
        known: Known = {
            "ok": True,
            **self._call,
            "model": made.model,
            "width": self.brief.width,
            "height": self.brief.height,
            "media_type": media_type,
            "bytes": len(made.data),
            "cost_usd": float(to_usd(made.cost_usd_micros)),
            "lora_applied": made.lora_applied,
            "lora_scale": made.lora_scale if made.lora_applied else None,
            "preview": made.preview,
        }
        size = f"{self.brief.width}x{self.brief.height}"
        rows = {
            "model": made.model,
            "image": f"{size}, {media_type}, {len(made.data):,} bytes",
            "cost": dollars(made.cost_usd_micros),
            "LoRA": _lora(made),
        }
        return known, self._rows(rows)

    def failed(self, failure: ProviderFailure) -> tuple[Known, Rows]:
        """It does not; what it may have cost, and what to do."""
        cost = failure.cost_usd_micros or (
            self.trial.made.cost_usd_micros if self.trial.made else 0
        )
        known: Known = {
            "ok": False,
            **self._call,
            "code": failure.code,
            "detail": failure.detail,
            "outcome": failure.outcome,
            "retry_after_s": failure.retry_after_s,
            "cost_usd": float(to_usd(cost)),
            "next_step": next_step(failure),
        }
        rows = {"failed": f"{failure.code}: {failure.detail}", "outcome": failure.outcome}
        if cost:
            rows["cost"] = dollars(cost)
        return known, self._rows(rows | {"next step": next_step(failure)})

    @property
    def _call(self) -> Known:
        return {
            "provider": self.trial.provider.name,
            "seconds": self.trial.seconds,
            "call_id": self.trial.call_id,
            "saved": None if self.saved is None else str(self.saved),
        }

    def _rows(self, rows: Rows) -> Rows:
        told = {"provider": self.trial.provider.name, "seconds": f"{self.trial.seconds:.1f}"}
        if self.trial.call_id is not None:
            told["its id"] = self.trial.call_id
        told |= rows
        if self.saved is not None:
            told["saved"] = str(self.saved)
        return told


def announcement(provider: Provider, brief: Brief) -> str:
    """What the call will cost, and who will not know of it."""
    size = f"{brief.width}x{brief.height}"
    try:
        price = dollars(provider.price.of_image(brief.width, brief.height))
        cost = f"about {price} ({provider.price.source}; looked up {provider.price.read})"
    except LookupError:
        cost = "nobody here knows what"
    return (
        f"{provider.name} is asked for one image of {size}. It costs {cost}.\n"
        "The call is real and is not booked: no budget and no list of attempts will have it."
    )


def dollars(micros: int) -> str:
    """To the cent at least, and to the micro-dollar at most."""
    whole, _, part = f"{to_usd(micros):.6f}".rstrip("0").partition(".")
    return f"${whole}.{part:<02}"


def _lora(made: MadeImage) -> str:
    if made.preview:
        return "a drawn placeholder, labelled PREVIEW"
    return f"applied, scale {made.lora_scale:g}" if made.lora_applied else "not applied"

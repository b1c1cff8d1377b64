"""A call under way, and what is entered about it for each of its pieces."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.hooks.domain.commission import Commission
from services.hooks.domain.failures import CopyFailure
from services.hooks.handler.bill import Share, bill
from services.hooks.handler.books import Ended
from services.hooks.handler.writer import Writer
from services.hooks.ports import Answer
from shared.content import Captions, CaptionSource


@dataclass(frozen=True, slots=True)
class Call:
    """Whom it is made to, what it asks, and under which attempts, by the places of the jobs."""

    writer: Writer
    attempts: Mapping[int, str]
    commission: Commission
    started: float = field(default_factory=time.perf_counter)

    @property
    def duration_ms(self) -> int:
        """Since it began."""
        return round((time.perf_counter() - self.started) * 1000)

    def shares(
        self, told: Answer | CopyFailure, written: Mapping[int, Sequence[str]]
    ) -> dict[int, Share]:
        """What each piece has to bear of what the call used."""
        chars = [sum(map(len, written.get(place, ()))) for place in self.attempts]
        parts = bill(told.usage, self.writer.model.price, chars)
        return dict(zip(self.attempts, parts, strict=True))


def key_of(place: int) -> str:
    """The id under which a model is told of a job."""
    return f"p{place + 1}"


def bought(call: Call, place: int, answer: Answer, share: Share, hooks: Sequence[str]) -> Captions:
    """Captions as a model has written them."""
    return Captions(
        source=CaptionSource.MODEL,
        hooks=tuple(hooks),
        provider=call.writer.name,
        model=answer.model,
        attempt_id=call.attempts[place],
        input_tokens=share.input_tokens,
        output_tokens=share.output_tokens,
        cost_usd_micros=share.cost_usd_micros,
    )


def succeeded(call: Call, share: Share, captions: Captions) -> Ended:
    """It gave captions."""
    return Ended(
        provider=call.writer.name,
        outcome="succeeded",
        duration_ms=call.duration_ms,
        cost_usd_micros=share.cost_usd_micros,
        captions=captions,
    )


def in_vain(call: Call, share: Share, failure: CopyFailure) -> Ended:
    """It gave none for this piece, and has its price all the same."""
    return Ended(
        provider=call.writer.name,
        outcome=failure.outcome,
        duration_ms=call.duration_ms,
        cost_usd_micros=share.cost_usd_micros,
        error_code=failure.code,
        detail=failure.detail,
    )

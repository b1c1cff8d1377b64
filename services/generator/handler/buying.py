"""One provider call: with the ledger's leave, once, and on record whatever becomes of it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from services.generator.domain.failures import ProviderFailure
from services.generator.handler.leases import kept
from services.generator.handler.making import Making, generation_of
from services.generator.handler.route import Route
from services.generator.ports import (
    Attempts,
    CallTerms,
    ImageGate,
    LanedProvider,
    MadeImage,
    NoteCallId,
    PreparedCall,
    Provider,
    ResumableProvider,
)
from shared import failpoints
from shared.blobs import BlobStore
from shared.breaker import Admission
from shared.calls import AttemptAnswer
from shared.content import BlobRef
from shared.events import AttemptSettled, ContentRequested, ImageGenerated
from shared.factlog import utc_now
from shared.outcomes import GiveUp, TryLater

log = structlog.get_logger(__name__)

T = TypeVar("T")

_SHORTEST_CALL_S = 1.0
# The provider has all the calls it may have; the end of the last call is not in the books yet.
_PASSING = frozenset({"capacity", "unread"})
_PATIENCE_S = 10.0
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class BuyImage:
    """Asks the ledger, calls the provider, looks at the image, stages it and settles the call.

    Raises ProviderFailure after a call that gave no usable image, TryLater and GiveUp as handlers
    do. `resumable` are the providers whose submitted calls can be waited for, by name.
    """

    attempts: Attempts
    staging: BlobStore
    gate: ImageGate
    resumable: dict[str, ResumableProvider] = field(default_factory=dict)
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def __call__(
        self,
        event: ContentRequested,
        route: Route,
        admission: Admission,
        *,
        level: int,
        fresh_link: bool,
    ) -> ImageGenerated:
        limit_s = self._limit_s(event, route.provider.call_limit_s)
        call = await _prepared(event, route.provider, fresh_link=fresh_link)
        answer = await self._leave(event, route.terms(limit_s))
        match answer.answer:
            case "done" if answer.image is not None and answer.generation is not None:
                # Bought before, in a run or process that could not tell: adopt, do not buy again.
                return ImageGenerated.following(
                    event, image=answer.image, generation=answer.generation
                )
            case "no":
                raise GiveUp(answer.reason or "refused", "the ledger allows no further call")
            case "pending" if answer.call_id is not None and answer.attempt_id is not None:
                return await self._resume(event, answer, limit_s)
            case "go" if answer.attempt_id is not None:
                making = Making(event, route.name, answer.attempt_id, level)
                async with kept(self.attempts, making, route.terms(limit_s), self.sleep):
                    return await self._watched(making, call, limit_s, route, admission)
        raise TryLater(_why_wait(answer), after=answer.after_s)

    def _limit_s(self, event: ContentRequested, longest_s: float) -> float:
        left_s = (event.deadline_at - self.now()).total_seconds()
        return min(longest_s, max(left_s, _SHORTEST_CALL_S))

    async def _leave(self, event: ContentRequested, terms: CallTerms) -> AttemptAnswer:
        """The ledger's answer. What will not last long is waited for here.

        Handing the piece back would begin anew with the first provider, and have it wait for the
        broker as well.
        """
        waited_s = 0.0
        longest_s = _SHORTEST_WAIT_S
        while True:
            answer = await self._ask_ledger(event, terms)
            if answer.reason not in _PASSING or waited_s >= _PATIENCE_S:
                return answer
            wait_s = random.uniform(0.5, 1.0) * longest_s  # noqa: S311 - spreads who waits
            await self.sleep(wait_s)
            waited_s += wait_s
            longest_s = min(longest_s * 2, _LONGEST_WAIT_S)

    async def _ask_ledger(self, event: ContentRequested, terms: CallTerms) -> AttemptAnswer:
        answer = await self.attempts.open(event, terms)
        if answer.image is None or await self.staging.holds(answer.image):
            return answer
        # Paid for, but gone with the broker's store.
        log.warning("attempt.bytes_lost", piece_id=event.piece_id, attempt_id=answer.attempt_id)
        return await self.attempts.open(event, terms, lost_attempt_id=answer.attempt_id)

    async def _resume(
        self, event: ContentRequested, answer: AttemptAnswer, limit_s: float
    ) -> ImageGenerated:
        """Wait for a call that was submitted before; what becomes of it is no news of today's."""
        name, attempt_id = answer.provider or "unknown", answer.attempt_id or ""
        making = Making(event, name, attempt_id, level=1)
        provider = self.resumable.get(name)
        if provider is None:
            gone = ProviderFailure("NOT_CONFIGURED", f"{name} is asked no more", outcome="unknown")
            await self._settle_failure(making, gone, 0)
            raise TryLater("the provider of an earlier call is gone", after=0)
        log.info("attempt.resumed", piece_id=event.piece_id, attempt_id=attempt_id, provider=name)
        call_id = answer.call_id or ""

        async def wait(_: NoteCallId) -> MadeImage:
            return await provider.resume(event.brief, call_id)

        try:
            return await self._carry_out(making, wait, min(limit_s, provider.call_limit_s))
        except ProviderFailure as failure:
            raise TryLater(f"an earlier call failed: {failure.code}", after=0) from failure

    async def _watched(
        self, making: Making, call: PreparedCall, limit_s: float, route: Route, admission: Admission
    ) -> ImageGenerated:
        started = time.perf_counter()
        try:
            generated = await self._carry_out(making, call, limit_s)
        except ProviderFailure as failure:
            route.failed(admission, failure)
            raise
        route.succeeded(admission, time.perf_counter() - started)
        return generated

    async def _carry_out(
        self, making: Making, call: PreparedCall, limit_s: float
    ) -> ImageGenerated:
        started = time.perf_counter()
        try:
            made = await self._called(making, call, limit_s)
            failpoints.reach("generator/after_call")
            media_type = await self._looked_at(making, made)
        except ProviderFailure as failure:
            await self._settle_failure(making, failure, _ms_since(started))
            raise
        duration_ms = _ms_since(started)
        # From here on money is spent: what fails now is tried again until the piece's deadline.
        image = await self._insist(making, lambda: self._stage(making, made, media_type))
        failpoints.reach("generator/after_staging")
        generation = generation_of(making, made, duration_ms)
        settled = AttemptSettled(
            **making.whose,
            outcome="succeeded",
            duration_ms=duration_ms,
            cost_usd_micros=made.cost_usd_micros,
            image=image,
            generation=generation,
        )
        await self._insist(making, lambda: self.attempts.settle(settled))
        failpoints.reach("generator/after_settlement")
        return ImageGenerated.following(making.event, image=image, generation=generation)

    async def _called(self, making: Making, call: PreparedCall, limit_s: float) -> MadeImage:
        try:
            async with asyncio.timeout(limit_s):
                return await call(partial(self._note, making))
        except TimeoutError as exc:
            limit = f"no answer within {limit_s:.0f} s"
            raise ProviderFailure("TIMEOUT", limit, outcome="unknown") from exc

    async def _note(self, making: Making, call_id: str) -> None:
        failpoints.reach("generator/after_submission")
        note = partial(self.attempts.note_call, making.event, making.attempt_id, call_id)
        await self._insist(making, note)

    async def _looked_at(self, making: Making, made: MadeImage) -> str:
        """The image's media type. Of no use or not, it has to be paid."""
        try:
            media_type = await self.gate.media_type_of(made, making.event.brief)
        except ProviderFailure as failure:
            failure.cost_usd_micros = made.cost_usd_micros
            raise
        if not (made.lora_applied or made.preview or making.event.brief.allow_degraded):
            raise ProviderFailure(
                "LORA_NOT_APPLIED",
                "the image does not show the avatar",
                cost_usd_micros=made.cost_usd_micros,
            )
        return media_type

    async def _stage(self, making: Making, made: MadeImage, media_type: str) -> BlobRef:
        name = f"{making.event.piece_id}/{making.event.run}"
        return await self.staging.put(name, made.data, media_type=media_type)

    async def _settle_failure(
        self, making: Making, failure: ProviderFailure, duration_ms: int
    ) -> None:
        settled = AttemptSettled(
            **making.whose,
            outcome=failure.outcome,
            error_code=failure.code,
            detail=failure.detail[:300],
            duration_ms=duration_ms,
            cost_usd_micros=failure.cost_usd_micros,
        )
        await self._insist(making, lambda: self.attempts.settle(settled))

    async def _insist(self, making: Making, act: Callable[[], Awaitable[T]]) -> T:
        delay_s = 0.2
        while True:
            try:
                return await act()
            except TryLater:
                if self.now() >= making.event.deadline_at:
                    raise
                await self.sleep(delay_s)
                delay_s = min(delay_s * 2, 5.0)


async def _prepared(
    event: ContentRequested, provider: Provider, *, fresh_link: bool
) -> PreparedCall:
    if isinstance(provider, LanedProvider):
        return await provider.prepare_in(event.lane, event.brief, fresh_link=fresh_link)
    return await provider.prepare(event.brief, fresh_link=fresh_link)


def _why_wait(answer: AttemptAnswer) -> str:
    if answer.reason == "capacity":
        return "all calls that the provider may have at a time are under way"
    return "another call for this piece may be under way"


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)

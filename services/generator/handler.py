"""Have an image made for a requested piece."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import structlog

from services.generator.domain import ProviderFailure, Reaction, RetryPolicy, reaction_to
from services.generator.ports import Attempts, MadeImage, PreparedCall, Provider
from shared import failpoints
from shared.blobs import BlobStore
from shared.calls import AttemptAnswer
from shared.content import BlobRef, Generation
from shared.events import AttemptSettled, ContentRequested, ImageGenerated
from shared.factlog import utc_now
from shared.outcomes import GiveUp, TryLater

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GenerateImage:
    """Asks the providers in order, with the ledger's leave before each call."""

    providers: Sequence[Provider]
    attempts: Attempts
    staging: BlobStore
    policy: RetryPolicy
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def __call__(self, event: ContentRequested) -> ImageGenerated:
        last: ProviderFailure | None = None
        for provider in self.providers:
            try:
                return await self._ask(provider, event)
            except ProviderFailure as failure:
                last = failure
        raise GiveUp("providers_exhausted", str(last))

    async def _ask(self, provider: Provider, event: ContentRequested) -> ImageGenerated:
        retries_done = 0
        while True:
            try:
                return await self._attempt(provider, event)
            except ProviderFailure as failure:
                reaction = reaction_to(failure.code, retries_done=retries_done, policy=self.policy)
                log.warning(
                    "provider.failed",
                    provider=provider.name,
                    piece_id=event.piece_id,
                    code=failure.code,
                    detail=failure.detail,
                    reaction=reaction.value,
                )
                if reaction is Reaction.FAIL_PIECE:
                    raise GiveUp(failure.code.lower(), failure.detail) from failure
                if reaction is Reaction.NEXT_PROVIDER:
                    raise
                await self.sleep(self._delay_s(retries_done, failure))
                retries_done += 1

    def _delay_s(self, retries_done: int, failure: ProviderFailure) -> float:
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        return self.policy.delay_s(retries_done, jitter=jitter, retry_after_s=failure.retry_after_s)

    async def _attempt(self, provider: Provider, event: ContentRequested) -> ImageGenerated:
        call = await provider.prepare(event.brief)
        answer = await self._ask_ledger(event, provider)
        match answer.answer:
            case "done" if answer.image is not None and answer.generation is not None:
                # Bought before, in a run or process that could not tell: adopt, do not buy again.
                return ImageGenerated.following(
                    event, image=answer.image, generation=answer.generation
                )
            case "no":
                raise GiveUp(answer.reason or "refused", "the ledger allows no further call")
            case "go" if answer.attempt_id is not None:
                return await self._buy(call, provider, event, answer.attempt_id)
        raise TryLater("another call for this piece may be under way", after=answer.after_s)

    async def _ask_ledger(self, event: ContentRequested, provider: Provider) -> AttemptAnswer:
        answer = await self.attempts.open(event, provider)
        if answer.image is None or await self.staging.holds(answer.image):
            return answer
        # Paid for, but gone with the broker's store.
        log.warning("attempt.bytes_lost", piece_id=event.piece_id, attempt_id=answer.attempt_id)
        return await self.attempts.open(event, provider, lost_attempt_id=answer.attempt_id)

    async def _buy(
        self, call: PreparedCall, provider: Provider, event: ContentRequested, attempt_id: str
    ) -> ImageGenerated:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(provider.call_limit_s):
                made = await call()
        except TimeoutError as exc:
            limit = f"no answer within {provider.call_limit_s:.0f} s"
            failure = ProviderFailure("TIMEOUT", limit, outcome="unknown")
            await self._settle_failure(provider, event, attempt_id, failure, _ms_since(started))
            raise failure from exc
        except ProviderFailure as failure:
            await self._settle_failure(provider, event, attempt_id, failure, _ms_since(started))
            raise
        duration_ms = _ms_since(started)
        failpoints.reach("generator/after_call")
        # From here on money is spent: what fails now is tried again until the piece's deadline.
        image = await self._insist(event, lambda: self._stage(event, made))
        failpoints.reach("generator/after_staging")
        generation = _generation(provider, made, event, attempt_id, duration_ms)
        settled = AttemptSettled(
            **_whose(event, attempt_id, provider),
            outcome="succeeded",
            duration_ms=duration_ms,
            cost_usd_micros=made.cost_usd_micros,
            image=image,
            generation=generation,
        )
        await self._insist(event, lambda: self.attempts.settle(settled))
        failpoints.reach("generator/after_settlement")
        return ImageGenerated.following(event, image=image, generation=generation)

    async def _stage(self, event: ContentRequested, made: MadeImage) -> BlobRef:
        name = f"{event.piece_id}/{event.run}"
        return await self.staging.put(name, made.data, media_type=made.media_type)

    async def _settle_failure(
        self,
        provider: Provider,
        event: ContentRequested,
        attempt_id: str,
        failure: ProviderFailure,
        duration_ms: int,
    ) -> None:
        settled = AttemptSettled(
            **_whose(event, attempt_id, provider),
            outcome=failure.outcome,
            error_code=failure.code,
            detail=failure.detail[:300],
            duration_ms=duration_ms,
            cost_usd_micros=0,
        )
        await self._insist(event, lambda: self.attempts.settle(settled))

    async def _insist(self, event: ContentRequested, act: Callable[[], Awaitable[T]]) -> T:
        delay_s = 0.2
        while True:
            try:
                return await act()
            except TryLater:
                if self.now() >= event.deadline_at:
                    raise
                await self.sleep(delay_s)
                delay_s = min(delay_s * 2, 5.0)


def _whose(event: ContentRequested, attempt_id: str, provider: Provider) -> dict[str, object]:
    return {
        "tenant": event.tenant,
        "task_id": event.task_id,
        "deadline_at": event.deadline_at,
        "piece_id": event.piece_id,
        "run": event.run,
        "attempt_id": attempt_id,
        "provider": provider.name,
    }


def _generation(
    provider: Provider,
    made: MadeImage,
    event: ContentRequested,
    attempt_id: str,
    duration_ms: int,
) -> Generation:
    return Generation(
        provider=provider.name,
        model=made.model,
        preview=made.preview,
        degraded=not made.lora_applied and not made.preview,
        attempt_id=attempt_id,
        seed=made.seed,
        steps=made.steps,
        cfg_scale=made.cfg_scale,
        width=event.brief.width,
        height=event.brief.height,
        lora_applied=made.lora_applied,
        lora_scale=made.lora_scale,
        generation_time_ms=duration_ms,
        cost_usd_micros=made.cost_usd_micros,
    )


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)

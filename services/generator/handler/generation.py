"""Have an image made for a requested piece by the first provider that can."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import structlog

from services.generator.domain.failures import ProviderFailure, Reaction, reaction_to
from services.generator.handler.buying import BuyImage
from services.generator.handler.making import stand_in
from services.generator.handler.outage import Outage
from services.generator.handler.route import Route, RouteClosed
from services.generator.handler.routing import Routing
from services.generator.ports import Substitutes
from shared.content import Lane
from shared.events import ContentRequested, ImageGenerated
from shared.outcomes import GiveUp, TryLater

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GenerateImage:
    """Asks the providers one after the other, each as often as its policy and its retries allow.

    When all were asked in vain, or none may be called, an earlier image stands in, if installation
    (`allows_earlier`) and order allow that and the ledger has one.
    """

    routing: Routing
    buy: BuyImage
    substitutes: Substitutes
    outage: Outage
    allows_earlier: bool = True
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def __call__(self, event: ContentRequested) -> ImageGenerated:
        failed: ProviderFailure | None = None
        away_s: list[float] = []
        for level, route in self._levels(event):
            try:
                generated = await self._ask(route, event, level)
            except RouteClosed as closed:
                away_s.append(closed.wait_s)
            except ProviderFailure as failure:
                failed = failure
            else:
                self.outage.is_over()
                return generated
            if route.limits.is_last:
                break
        if failed is None and away_s:
            return await self._nobody_there(event, min(away_s))
        return await self._instead(event, "providers_exhausted", str(failed or "none may be asked"))

    def _levels(self, event: ContentRequested) -> Iterator[tuple[int, Route]]:
        for place, route in enumerate(self.routing.routes_for(event.brief)):
            yield (2 if place else 1), route

    async def _ask(self, route: Route, event: ContentRequested, level: int) -> ImageGenerated:
        retries_done = 0
        failure: ProviderFailure | None = None
        route.retries.earn()
        while True:
            await self._wait_for(route, retries_done - 1, failure)
            try:
                async with route.admitted(first=event.lane is Lane.INTERACTIVE) as admission:
                    fresh_link = failure is not None and failure.code == "LORA_DOWNLOAD_FAILED"
                    return await self.buy(
                        event, route, admission, level=level, fresh_link=fresh_link
                    )
            except ProviderFailure as exc:
                failure = exc
            except RouteClosed:
                if failure is not None:
                    raise failure from None
                raise
            self._go_on(route, event, failure, retries_done)
            retries_done += 1

    async def _wait_for(
        self, route: Route, retries_done: int, failure: ProviderFailure | None
    ) -> None:
        delay_s = route.rest_s
        if failure is not None:
            jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
            delay_s = max(
                delay_s,
                route.limits.policy.delay_s(
                    retries_done, jitter=jitter, retry_after_s=failure.retry_after_s
                ),
            )
        if delay_s > 0:
            await self.sleep(delay_s)

    def _go_on(
        self, route: Route, event: ContentRequested, failure: ProviderFailure, retries_done: int
    ) -> None:
        """Return for a retry; raise where there shall be none."""
        reaction = reaction_to(failure.code, retries_done=retries_done, policy=route.limits.policy)
        # Who asks for patience gets it without costing others their retries.
        is_paced = failure.code == "RATE_LIMITED"
        if reaction is Reaction.RETRY and not is_paced and not route.retries.spend():
            reaction = Reaction.NEXT_PROVIDER
        log.warning(
            "provider.failed",
            provider=route.name,
            piece_id=event.piece_id,
            code=failure.code,
            detail=failure.detail,
            reaction=reaction.value,
        )
        if reaction is Reaction.FAIL_PIECE:
            raise GiveUp(failure.code.lower(), failure.detail) from failure
        if reaction is Reaction.NEXT_PROVIDER:
            raise failure

    async def _nobody_there(self, event: ContentRequested, wait_s: float) -> ImageGenerated:
        """No call may be made at all: wait while it makes sense."""
        if (after_s := self.outage.wait_s(event, wait_s)) is not None:
            raise TryLater("no provider may be called now", after=after_s)
        return await self._instead(event, "providers_unavailable", "each has failed too often")

    async def _instead(self, event: ContentRequested, reason: str, detail: str) -> ImageGenerated:
        may_be_earlier = self.routing.allows_degraded and event.brief.allow_degraded
        own_only = not (self.allows_earlier and may_be_earlier)
        found = await self.substitutes.find(event, own_only=own_only)
        if found is None:
            raise GiveUp(reason, detail)
        log.warning("provider.substituted", piece_id=event.piece_id, earlier=found.piece_id)
        return stand_in(event, found)

"""Ask every part how it is, and remember the answer for a moment."""

import asyncio
import time
from collections import Counter
from typing import Literal

from pydantic import Field

from services.gateway.handler.door import Door
from services.gateway.handler.json_types import View
from shared.calls import (
    LEDGER_HEALTH,
    PROVIDER_HEALTH,
    SAFETY_HEALTH,
    STORAGE_HEALTH,
    ComponentHealth,
    Nothing,
)
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Call, Reply

ASK_LIMIT_S = 1.0

Status = Literal["ok", "degraded", "down"]


class ComponentView(View):
    """What a part says about itself."""

    status: Status
    detail: dict[str, object] = Field(default_factory=dict)


class Checks(View):
    """All parts."""

    database: ComponentView
    broker: ComponentView
    r2_storage: ComponentView
    providers: ComponentView
    safety: ComponentView


class CachePerformanceView(View):
    """How often a template was found in memory since the start."""

    total_calls: int
    cache_hits: int
    cache_misses: int
    hit_rate_percent: float


class LibraryView(View):
    """The template library."""

    templates: int
    categories: dict[str, int]
    cache_performance: CachePerformanceView


class HealthView(View):
    """State of the whole system: down without database or broker, degraded without another part."""

    status: Status
    checks: Checks
    template_library: LibraryView


class Checkup:
    """At most one round of questions at a time, and none while the last answer is fresh."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._asking = asyncio.Lock()
        self._last: HealthView | None = None
        self._fresh_until = 0.0

    async def current(self) -> HealthView:
        """The state, at most `health_cache_s` old."""
        async with self._asking:
            if self._last is None or time.monotonic() >= self._fresh_until:
                self._last = await self._ask()
                self._fresh_until = time.monotonic() + self._door.health_cache_s
            return self._last

    async def _ask(self) -> HealthView:
        database, storage, providers, safety = await asyncio.gather(
            self._database(),
            self._component(STORAGE_HEALTH),
            self._component(PROVIDER_HEALTH),
            self._component(SAFETY_HEALTH),
        )
        connected = self._door.broker.is_connected
        checks = Checks(
            database=database,
            broker=ComponentView(status="ok" if connected else "down"),
            r2_storage=storage,
            providers=providers,
            safety=safety,
        )
        return HealthView(
            status=_overall(checks), checks=checks, template_library=await self._library()
        )

    async def _database(self) -> ComponentView:
        health = await self._answer(LEDGER_HEALTH)
        if health is None:
            return ComponentView(status="down")
        return ComponentView(status="ok", detail=health.model_dump())

    async def _component(self, call: Call[Nothing, ComponentHealth]) -> ComponentView:
        health = await self._answer(call)
        if health is None:
            return ComponentView(status="down")
        return ComponentView(status=health.status, detail=health.detail)

    async def _answer(self, call: Call[Nothing, Reply]) -> Reply | None:
        try:
            return await self._door.probe(call, Nothing(), timeout_s=ASK_LIMIT_S)
        except (TryLater, Problem):
            return None

    async def _library(self) -> LibraryView:
        # Read before looking: the page must not improve the figures it shows.
        performance = self._door.library.performance
        templates = await self._door.library.all()
        return LibraryView(
            templates=len(templates),
            categories=dict(Counter(template.category for template in templates)),
            cache_performance=CachePerformanceView(
                total_calls=performance.total_calls,
                cache_hits=performance.cache_hits,
                cache_misses=performance.cache_misses,
                hit_rate_percent=performance.hit_rate_percent,
            ),
        )


def _overall(checks: Checks) -> Status:
    if "down" in {checks.database.status, checks.broker.status}:
        return "down"
    parts = (checks.database, checks.r2_storage, checks.providers, checks.safety)
    return "ok" if all(part.status == "ok" for part in parts) else "degraded"

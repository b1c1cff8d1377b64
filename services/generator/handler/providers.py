"""How the providers stand, for health pages and operators."""

from dataclasses import dataclass
from typing import Literal

from services.generator.handler.route import Route
from services.generator.handler.routing import Routing
from shared.breaker import State
from shared.calls import ComponentHealth, Nothing, ProviderState, ProviderStates


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """Looks at the routes of this replica."""

    routing: Routing

    async def states(self, _: Nothing) -> ProviderStates:
        """Every provider in the order of the settings."""
        return ProviderStates(strategy=self.routing.strategy.value, providers=self.now())

    def now(self) -> tuple[ProviderState, ...]:
        """The same at once."""
        routes = enumerate(self.routing.routes)
        return tuple(_state(route, 2 if place else 1) for place, route in routes)

    def outcomes(self) -> dict[str, dict[str, int]]:
        """How many calls of each provider ended in each way."""
        return {route.name: dict(route.outcomes) for route in self.routing.routes}

    async def health(self, _: Nothing) -> ComponentHealth:
        """Down when no provider may be called, degraded when one of them may not."""
        states = {route.name: route.breaker.state for route in self.routing.routes}
        open_ones = [name for name, state in states.items() if state is State.OPEN]
        status: Literal["ok", "degraded", "down"] = "ok"
        if open_ones:
            status = "down" if len(open_ones) == len(states) else "degraded"
        return ComponentHealth(
            status=status, detail={name: state.value for name, state in states.items()}
        )


def _state(route: Route, level: int) -> ProviderState:
    provider = route.provider
    return ProviderState(
        name=route.name,
        model=provider.model,
        level=level,
        breaker=route.breaker.state.value,
        retry_after_s=max(route.breaker.wait_s, route.rest_s),
        keeps_likeness=provider.keeps_likeness,
        in_flight=route.slots.busy,
        concurrency=route.slots.size,
        max_in_flight=route.limits.most_everywhere,
        price_usd_micros=route.price_usd_micros,
        price_read=provider.price.read,
    )

"""Which providers may make an image, in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.generator.domain.strategy import Strategy, in_order
from services.generator.domain.track import Measured
from services.generator.handler.route import Route
from services.generator.ports import ProviderRecords
from shared.content import Brief


@dataclass(frozen=True, slots=True)
class Routing:
    """The routes as configured, and what counts when one is chosen.

    `allows_degraded`: whether this installation ever lets an avatar's likeness go.
    """

    routes: Sequence[Route]
    strategy: Strategy = Strategy.ORDERED
    allows_degraded: bool = True

    def routes_for(self, brief: Brief) -> list[Route]:
        """Whom to ask for this image, first to last."""
        by_name = {route.name: route for route in self.routes if self._may_serve(route, brief)}
        if len(by_name) < 2:
            return list(by_name.values())
        candidates = [route.candidate() for route in by_name.values()]
        return [by_name[one.name] for one in in_order(candidates, self.strategy)]

    def _may_serve(self, route: Route, brief: Brief) -> bool:
        return route.provider.keeps_likeness or (self.allows_degraded and brief.allow_degraded)

    async def learn_from(self, records: ProviderRecords) -> None:
        """Tell each route what all replicas have measured. Raises TryLater."""
        measured: Mapping[str, Measured] = await records.measured()
        for route in self.routes:
            if (elsewhere := measured.get(route.name)) is not None:
                route.track.seen_elsewhere(elsewhere)

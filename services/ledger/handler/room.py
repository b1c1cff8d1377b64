"""Take no order whose pieces would find no room."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.ledger.ports import Stores
from shared.problems import Problem

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Room:
    """Remembers what is full. Each round looks anew; in between, `check` costs nothing."""

    stores: Stores
    _full: Sequence[str] = ()

    async def __call__(self) -> None:
        """Look. What cannot be looked at now counts as it was. Raises TryLater."""
        full = await self.stores.full()
        if full != self._full:
            log.warning("room.changed", full=full)
        self._full = full

    def check(self) -> None:
        """Raise Problem 503 `no_room` while something is full."""
        if self._full:
            detail = f"There is no room in {', '.join(self._full)}; orders are taken again later."
            raise Problem(503, "no_room", detail)

"""What was taken down, as the ledger knows it."""

import time
from collections.abc import Callable

from shared.calls import MATCH_IMAGE, MatchImage
from shared.content import ImagePrint, Sha256
from shared.rpc import Caller

# The ledger looks once more before it records a piece: this only saves asking.
_REMEMBERED_S = 0.2
_MOST_REMEMBERED = 10_000


class LedgerTakedowns:
    """Asks the ledger. No answer is no leave: the piece waits.

    Where nothing was ever taken down, which is known for a moment, it asks no more.
    """

    def __init__(self, call: Caller, clock: Callable[[], float] = time.monotonic) -> None:
        self._call = call
        self._clock = clock
        self._nothing_until: dict[str, float] = {}

    async def like(self, tenant: str, sha256: Sha256, image_print: ImagePrint | None) -> str | None:
        if self._clock() < self._nothing_until.get(tenant, 0.0):
            return None
        request = MatchImage(tenant=tenant, sha256=sha256, image_print=image_print)
        found = await self._call(MATCH_IMAGE, request)
        if found.nothing_taken_down:
            if len(self._nothing_until) >= _MOST_REMEMBERED:
                self._nothing_until.clear()
            self._nothing_until[tenant] = self._clock() + _REMEMBERED_S
        return found.piece_id

"""What was taken down, as the ledger knows it."""

import time
from collections.abc import Callable

from shared.calls import MATCH_IMAGE, ImageMatch, MatchImage
from shared.content import ImagePrint, Sha256
from shared.rpc import Caller

# The ledger looks once more before it records a piece: this only saves asking.
_REMEMBERED_S = 0.2
_MOST_REMEMBERED = 10_000
_NOTHING = ImageMatch(nothing_taken_down=True)


class LedgerTakedowns:
    """Asks the ledger. No answer is no leave: the piece waits.

    Where nothing was ever taken down, which is known for a moment, it asks no more.
    """

    def __init__(self, call: Caller, clock: Callable[[], float] = time.monotonic) -> None:
        self._call = call
        self._clock = clock
        self._nothing_until: dict[str, float] = {}
        self._something: set[str] = set()

    async def are_any(self, tenant: str, sha256: Sha256) -> bool:
        # To ask once more than needed does no harm, so this is remembered for good.
        if tenant in self._something:
            return True
        found = await self._match(MatchImage(tenant=tenant, sha256=sha256))
        return not found.nothing_taken_down

    async def like(self, tenant: str, sha256: Sha256, image_print: ImagePrint | None) -> str | None:
        request = MatchImage(tenant=tenant, sha256=sha256, image_print=image_print)
        return (await self._match(request)).piece_id

    async def _match(self, request: MatchImage) -> ImageMatch:
        if self._clock() < self._nothing_until.get(request.tenant, 0.0):
            return _NOTHING
        found = await self._call(MATCH_IMAGE, request)
        self._remember(request.tenant, found)
        return found

    def _remember(self, tenant: str, found: ImageMatch) -> None:
        for tenants in (self._nothing_until, self._something):
            if len(tenants) >= _MOST_REMEMBERED:
                tenants.clear()
        if found.nothing_taken_down:
            self._nothing_until[tenant] = self._clock() + _REMEMBERED_S
        else:
            self._something.add(tenant)

"""Links to objects, and the state of the store."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.storage.domain import is_plain_key
from services.storage.ports import HeldDeliveries, ObjectMissing, ObjectStore
from shared.calls import ComponentHealth, Nothing, SignedLinks, SignLinks
from shared.outcomes import TryLater
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class SignObjectLinks:
    """Signs links at the moment they are needed; those for reviewers open what is held only."""

    objects: ObjectStore

    async def __call__(self, request: SignLinks) -> SignedLinks:
        return SignedLinks(urls=tuple([await self._sign(key, request) for key in request.keys]))

    async def _sign(self, key: str, request: SignLinks) -> str:
        if is_plain_key(key):
            try:
                return await self.objects.sign(
                    key, expires_s=request.expires_s, in_review=request.in_review
                )
            except ObjectMissing:
                pass  # a name of another area
        raise Problem(422, "invalid_key", "That is not the key of an object.", field="keys")


@dataclass(frozen=True, slots=True)
class ReportHealth:
    """Says whether the store can take more, and what waits for it."""

    objects: ObjectStore
    reserve_bytes: int
    orphans_removed: Callable[[], int]
    held: HeldDeliveries | None = None

    async def __call__(self, _: Nothing) -> ComponentHealth:
        detail: dict[str, object] = {"orphans_removed": self.orphans_removed()}
        full = False
        try:
            full = await self._waits_in_vain(detail)
            free = await self.objects.free_bytes()
        except TryLater as exc:
            return ComponentHealth(status="down", full=full, detail=detail | {"error": exc.detail})
        full = full or (free is not None and free < self.reserve_bytes)
        status: Literal["ok", "degraded"] = "degraded" if full else "ok"
        return ComponentHealth(status=status, full=full, detail=detail | {"free_bytes": free})

    async def _waits_in_vain(self, detail: dict[str, object]) -> bool:
        """Note what waits to be uploaded; whether more of it could not even wait."""
        if self.held is None:
            return False
        waiting = await self.held.waiting()
        detail |= {"waiting": waiting.deliveries, "waiting_bytes": waiting.size_bytes}
        return waiting.is_full

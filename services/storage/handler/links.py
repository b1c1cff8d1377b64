"""Links to objects, and the state of the store."""

from dataclasses import dataclass
from typing import Literal

from services.storage.domain import is_plain_key
from services.storage.ports import ObjectStore
from shared.calls import ComponentHealth, Nothing, SignedLinks, SignLinks
from shared.outcomes import TryLater
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class SignObjectLinks:
    """Signs links at the moment they are needed; those for reviewers open what is held only."""

    objects: ObjectStore

    async def __call__(self, request: SignLinks) -> SignedLinks:
        for key in request.keys:
            if not is_plain_key(key):
                raise Problem(422, "invalid_key", "That is not the key of an object.", field="keys")
        urls = [
            await self.objects.sign(key, expires_s=request.expires_s, in_review=request.in_review)
            for key in request.keys
        ]
        return SignedLinks(urls=tuple(urls))


@dataclass(frozen=True, slots=True)
class ReportHealth:
    """Says whether the store can take more."""

    objects: ObjectStore
    reserve_bytes: int

    async def __call__(self, _: Nothing) -> ComponentHealth:
        try:
            free = await self.objects.free_bytes()
        except TryLater as exc:
            return ComponentHealth(status="down", detail={"error": exc.detail})
        full = free is not None and free < self.reserve_bytes
        status: Literal["ok", "degraded"] = "degraded" if full else "ok"
        return ComponentHealth(status=status, full=full, detail={"free_bytes": free})

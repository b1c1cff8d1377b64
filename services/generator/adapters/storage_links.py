"""Links to LoRA weights, signed by storage."""

import time
from collections.abc import Callable

from shared.calls import SIGN_LINKS, SignLinks
from shared.outcomes import GiveUp
from shared.problems import Problem
from shared.rpc import Caller

LORA_LINK_S = 900

USED_AGAIN_S = 60.0
"""The pieces of a batch are about one avatar: their calls share a link that is still young."""

_MOST_KEPT = 1_000


class StorageLoraLinks:
    """Asks storage. A link is a secret: kept in memory for a minute, never logged."""

    def __init__(self, call: Caller, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._call = call
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, str]] = {}

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        now = self._monotonic()
        signed_at, link = self._kept.get(key, (-USED_AGAIN_S, ""))
        if not fresh and now - signed_at < USED_AGAIN_S:
            return link
        request = SignLinks(keys=(key,), expires_s=LORA_LINK_S)
        try:
            link = (await self._call(SIGN_LINKS, request)).urls[0]
        except Problem as problem:
            raise GiveUp("lora_unavailable", problem.details.detail) from problem
        self._keep(key, now, link)
        return link

    def _keep(self, key: str, now: float, link: str) -> None:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (now, link)

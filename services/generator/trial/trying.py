"""The one call of a trial."""

import asyncio
import time
from dataclasses import dataclass, field

from services.generator.domain.failures import ProviderFailure
from services.generator.ports import ImageGate, MadeImage, PreparedCall, Provider
from shared.content import Brief
from shared.outcomes import GiveUp


class NoWeights(GiveUp):
    """The provider wants to apply weights, and there is no link to any."""

    def __init__(self) -> None:
        super().__init__("lora_unavailable", "it applies an avatar's weights, and none are given")


@dataclass(frozen=True, slots=True)
class GivenLink:
    """The link that came with the command, in place of those that storage signs."""

    url: str | None

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        """The link. Raises NoWeights where there is none."""
        del key, fresh
        if self.url is None:
            raise NoWeights
        return self.url


@dataclass(slots=True)
class Trial:
    """Calls a provider once, as the generator would, and looks at what comes back.

    What is known so far stays readable when it fails: the call's id, the seconds, the image.
    """

    provider: Provider
    gate: ImageGate
    call_id: str | None = None
    seconds: float = 0.0
    made: MadeImage | None = field(default=None)

    async def __call__(self, call: PreparedCall, brief: Brief) -> str:
        """The media type of the image. Raises ProviderFailure."""
        started = time.perf_counter()
        limit_s = self.provider.call_limit_s
        try:
            async with asyncio.timeout(limit_s):
                self.made = await call(self._note)
        except TimeoutError as exc:
            late = f"no answer within {limit_s:.0f} s"
            raise ProviderFailure("TIMEOUT", late, outcome="unknown") from exc
        finally:
            self.seconds = round(time.perf_counter() - started, 1)
        return await self.gate.media_type_of(self.made, brief)

    async def _note(self, call_id: str) -> None:
        self.call_id = call_id

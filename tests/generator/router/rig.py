"""A router over scripted providers, with a clock that goes on when somebody sleeps."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.generator.domain.failures import ProviderFailure, RetryPolicy
from services.generator.domain.strategy import Strategy
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from services.generator.ports import ImageGate, MadeImage, NoteCallId, PreparedCall, Substitute
from shared.content import Brief
from tests.builders import blob, generation
from tests.fakes import MemoryBlobs
from tests.generator.fakes import (
    EarlierImages,
    OpenGate,
    RecordingAttempts,
    ScriptedProvider,
    made_image,
)

BROKEN = ProviderFailure("GENERATION_FAILED", "broken")
FACELESS = replace(made_image(), lora_applied=False)


class Clock:
    """Goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


EARLIER = Substitute("piece-before", blob(), generation(provider="modal_sdxl_lora"))


@dataclass
class Submitted(ScriptedProvider):
    """A vendor whose calls are submitted; `results` are by call id."""

    results: dict[str, MadeImage | ProviderFailure] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        return self.submit

    async def submit(self, note: NoteCallId) -> MadeImage:
        self.log.append("submitted")
        await note("call-1")
        self.log.append("waiting")
        return await self.generate(note)

    async def resume(self, brief: Brief, call_id: str) -> MadeImage:
        self.log.append(f"resumed {call_id}")
        result = self.results[call_id]
        if isinstance(result, ProviderFailure):
            raise result
        return result


@dataclass
class Router:
    """A router over scripted providers, with everything that a test may look at."""

    providers: Sequence[ScriptedProvider]
    attempts: RecordingAttempts = field(default_factory=RecordingAttempts)
    staging: MemoryBlobs = field(default_factory=MemoryBlobs)
    gate: ImageGate = field(default_factory=OpenGate)
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(
        default_factory=lambda: Limits(concurrency=4, policy=RetryPolicy(max_retries=3))
    )
    earlier: EarlierImages = field(default_factory=EarlierImages)
    allows_earlier: bool = True
    patience_s: float = 120.0
    strategy: Strategy = Strategy.ORDERED
    allows_degraded: bool = True

    def __post_init__(self) -> None:
        self.routes = [Route(one, self.limits, clock=self.clock) for one in self.providers]
        self.handler = GenerateImage(
            routing=Routing(self.routes, self.strategy, allows_degraded=self.allows_degraded),
            buy=BuyImage(
                self.attempts,
                self.staging,
                self.gate,
                resumable={one.name: one for one in self.providers if isinstance(one, Submitted)},
                sleep=self.clock.sleep,
            ),
            substitutes=self.earlier,
            outage=Outage(self.patience_s, clock=self.clock),
            allows_earlier=self.allows_earlier,
            sleep=self.clock.sleep,
        )

    @property
    def record(self) -> list[tuple[str, str, str | None]]:
        """Provider, outcome and code of every call, in order."""
        return [(one.provider, one.outcome, one.error_code) for one in self.attempts.settled]


def provider(*script: MadeImage | ProviderFailure, name: str = "first") -> ScriptedProvider:
    return ScriptedProvider(list(script) or [made_image()], name=name)


def faceless(name: str = "faceless") -> ScriptedProvider:
    return ScriptedProvider([FACELESS], name=name, keeps_likeness=False)

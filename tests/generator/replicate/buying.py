"""A piece and the one provider it is bought from, with the very handler and gate of production."""

import asyncio
from dataclasses import dataclass, field

from services.generator.adapters.image_gate import PillowGate
from services.generator.domain.failures import RetryPolicy
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from services.generator.ports import MadeImage, Provider, ResumableProvider
from shared.calls import AttemptAnswer
from shared.content import Brief
from shared.events import ContentRequested, ImageGenerated
from tests.fakes import MemoryBlobs
from tests.generator.fakes import (
    EarlierImages,
    RecordingAttempts,
    ScriptedProvider,
    made_image,
)

POLICY = RetryPolicy(max_retries=1, backoff_base_s=2.0)


@dataclass
class Buying:
    """Buys from `provider` first, then from one that always has an image."""

    provider: Provider
    attempts: RecordingAttempts = field(default_factory=RecordingAttempts)
    staging: MemoryBlobs = field(default_factory=MemoryBlobs)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.route = Route(self.provider, Limits(concurrency=4, policy=POLICY))
        spare = Route(ScriptedProvider([made_image()], name="spare"), Limits(concurrency=4))
        resumable = self.provider if isinstance(self.provider, ResumableProvider) else None
        self.handler = GenerateImage(
            routing=Routing([self.route, spare]),
            buy=BuyImage(
                self.attempts,
                self.staging,
                _Gate(),
                resumable={} if resumable is None else {resumable.name: resumable},
                sleep=self.sleep,
            ),
            substitutes=EarlierImages(),
            outage=Outage(patience_s=0),
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def __call__(self, event: ContentRequested) -> ImageGenerated:
        return await self.handler(event)

    def resumes(self, call_id: str) -> None:
        """The ledger tells of a call that somebody else has submitted."""
        self.attempts.answers.append(
            AttemptAnswer(
                answer="pending",
                attempt_id="attempt-before",
                provider=self.provider.name,
                call_id=call_id,
            )
        )

    @property
    def records(self) -> list[tuple[str, str, str | None]]:
        """Who was asked, how it ended, with which code."""
        return [(one.provider, one.outcome, one.error_code) for one in self.attempts.settled]


class _Gate(PillowGate):
    """Lets the spare provider's image pass, which is none."""

    async def media_type_of(self, made: MadeImage, brief: Brief) -> str:
        return "image/png" if made.data == b"image" else await super().media_type_of(made, brief)

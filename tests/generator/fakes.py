"""Hand-written stand-ins for what the generator needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.generator.domain import ProviderFailure
from services.generator.ports import MadeImage, PreparedCall, Provider
from shared.calls import AttemptAnswer
from shared.content import Brief
from shared.events import AttemptSettled, ContentRequested
from shared.outcomes import TryLater


def made_image(data: bytes = b"image", *, cost_usd_micros: int = 10_000) -> MadeImage:
    return MadeImage(
        data=data,
        media_type="image/png",
        model="tiny-sdxl",
        seed=7,
        steps=28,
        cfg_scale=5.5,
        lora_applied=True,
        lora_scale=0.9,
        cost_usd_micros=cost_usd_micros,
    )


@dataclass
class ScriptedProvider:
    """Does what its script says, call by call; the last entry repeats."""

    script: Sequence[MadeImage | ProviderFailure]
    name: str = "scripted"
    call_limit_s: float = 5.0
    calls: int = 0
    unprepared: int = 0

    async def prepare(self, brief: Brief) -> PreparedCall:
        if self.unprepared:
            self.unprepared -= 1
            raise TryLater("storage is away")
        return self.generate

    async def generate(self) -> MadeImage:
        step = self.script[min(self.calls, len(self.script) - 1)]
        self.calls += 1
        if isinstance(step, ProviderFailure):
            raise step
        return step


@dataclass
class RecordingAttempts:
    """Answers `go` unless told otherwise, and keeps what was settled."""

    answers: list[AttemptAnswer | TryLater] = field(default_factory=list)
    settled: list[AttemptSettled] = field(default_factory=list)
    settle_failures: int = 0
    opened: int = 0
    lost: list[str] = field(default_factory=list)

    async def open(
        self, event: ContentRequested, provider: Provider, *, lost_attempt_id: str | None = None
    ) -> AttemptAnswer:
        self.opened += 1
        if lost_attempt_id is not None:
            self.lost.append(lost_attempt_id)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, TryLater):
                raise answer
            return answer
        return AttemptAnswer(answer="go", attempt_id=f"attempt-{self.opened}", number=self.opened)

    async def settle(self, settled: AttemptSettled) -> None:
        if self.settle_failures:
            self.settle_failures -= 1
            raise TryLater("the broker is away")
        self.settled.append(settled)

"""Hand-written stand-ins for what the generator needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from services.generator.domain.failures import ProviderFailure
from services.generator.domain.prices import Price
from services.generator.ports import CallTerms, MadeImage, NoteCallId, PreparedCall, Substitute
from shared.calls import AttemptAnswer
from shared.content import Brief
from shared.events import AttemptSettled, ContentRequested
from shared.outcomes import TryLater

FREE = Price(source="a test", read=date(2026, 11, 21), per_image_usd_micros=0)


class OpenGate:
    """Finds every image fine, or what it is told to find."""

    def __init__(self, failure: ProviderFailure | None = None) -> None:
        self.failure = failure

    async def media_type_of(self, made: MadeImage, brief: Brief) -> str:
        if self.failure is not None:
            raise self.failure
        return "image/png"


@dataclass
class EarlierImages:
    """Has one earlier image, or one of the piece itself, or none."""

    earlier: Substitute | None = None
    own: Substitute | None = None
    asked: list[str] = field(default_factory=list)

    async def find(self, event: ContentRequested, *, own_only: bool = False) -> Substitute | None:
        self.asked.append(event.piece_id)
        return self.own if own_only or self.own else self.earlier


def made_image(data: bytes = b"image", *, cost_usd_micros: int = 10_000) -> MadeImage:
    return MadeImage(
        data=data,
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
    model: str = "tiny-sdxl"
    call_limit_s: float = 5.0
    keeps_likeness: bool = True
    price: Price = FREE
    fresh_links: list[bool] = field(default_factory=list)
    calls: int = 0
    unprepared: int = 0

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        self.fresh_links.append(fresh_link)
        if self.unprepared:
            self.unprepared -= 1
            raise TryLater("storage is away")
        return self.generate

    async def generate(self, _: NoteCallId) -> MadeImage:
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
    noted: list[tuple[str, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    async def open(
        self, event: ContentRequested, terms: CallTerms, *, lost_attempt_id: str | None = None
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

    async def keep(self, event: ContentRequested, terms: CallTerms, attempt_id: str) -> None:
        self.kept.append(attempt_id)

    async def note_call(self, event: ContentRequested, attempt_id: str, call_id: str) -> None:
        self.noted.append((attempt_id, call_id))

    async def settle(self, settled: AttemptSettled) -> None:
        if self.settle_failures:
            self.settle_failures -= 1
            raise TryLater("the broker is away")
        self.settled.append(settled)

"""Hand-written stand-ins for what the hooks service needs."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from services.hooks.domain.commission import Commission
from services.hooks.domain.failures import CopyFailure
from services.hooks.domain.limits import PlatformLimits
from services.hooks.domain.prices import TokenPrice, Usage
from services.hooks.domain.sorting import Item
from services.hooks.handler.books import LedgerBooks
from services.hooks.handler.buying import BuyCaptions
from services.hooks.handler.chain import WriteBatch
from services.hooks.handler.jobs import Job, Outcome
from services.hooks.handler.screening import Screening
from services.hooks.handler.writer import Writer
from services.hooks.ports import Answer, CallTerms, CaptionModel, Text
from shared.calls import AttemptAnswer
from shared.content import Brief, Platform
from shared.events import AttemptSettled, ImageGenerated
from shared.outcomes import TryLater
from tests.builders import image_generated

PRICE = TokenPrice(
    "a test", date(2026, 11, 21), {"input": Decimal("0.10"), "output": Decimal("0.50")}
)
USAGE = Usage(input=1003, output=2001)
ROOMY = PlatformLimits(max_chars=1000, max_hashtags=5)
LIMITS = dict.fromkeys(Platform, ROOMY)


WRITTEN = [f"written {n}" for n in range(8)]


class CannedCopywriter:
    """Has the same drafts for everybody."""

    def __init__(self, drafts: Sequence[str] = WRITTEN) -> None:
        self.drafts = drafts
        self.asked_for = 0

    async def draft(self, brief: Brief, piece_id: str, *, count: int) -> Sequence[str]:
        self.asked_for = count
        return self.drafts


def well_done(key: str, shows: str = "", count: int = 6) -> Item:
    return Item(key, tuple(f"Caption {n} of {key}, {shows[:40]}".strip() for n in range(count)))


def answered(*items: Item, usage: Usage = USAGE) -> Answer:
    return Answer(items, "tiny-model", usage)


Step = Answer | CopyFailure | Callable[[Commission], Answer]


@dataclass
class ScriptedModel:
    """Does what its script says, call by call; then writes for everybody, as well as it can."""

    script: list[Step] = field(default_factory=list)
    name: str = "scripted"
    call_limit_s: float = 5.0
    price: TokenPrice = PRICE
    takes_s: float = 0.0
    commissions: list[Commission] = field(default_factory=list)

    async def write(self, commission: Commission) -> Answer:
        self.commissions.append(commission)
        await asyncio.sleep(self.takes_s)
        step = self.script.pop(0) if self.script else everybody
        if isinstance(step, CopyFailure):
            raise step
        return step if isinstance(step, Answer) else step(commission)

    @property
    def asked(self) -> list[list[str]]:
        """The ids of each call."""
        return [list(commission.pictures) for commission in self.commissions]


def everybody(commission: Commission) -> Answer:
    return answered(*(well_done(key, shows) for key, shows in commission.pictures.items()))


def only(*keys: str) -> Step:
    def step(commission: Commission) -> Answer:
        return answered(*(well_done(key, commission.pictures[key]) for key in keys))

    return step


@dataclass
class RecordingAttempts:
    """Answers `go` unless told otherwise for a piece, and keeps what was settled."""

    answers: dict[str, list[AttemptAnswer | TryLater]] = field(default_factory=dict)
    settled: list[AttemptSettled] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    settle_failures: int = 0

    async def open(self, event: ImageGenerated, terms: CallTerms) -> AttemptAnswer:
        self.opened.append(event.piece_id)
        told = self.answers.get(event.piece_id)
        if told:
            answer = told.pop(0)
            if isinstance(answer, TryLater):
                raise answer
            return answer
        return AttemptAnswer(answer="go", attempt_id=f"attempt-{len(self.opened)}")

    async def settle(self, settled: AttemptSettled) -> None:
        if self.settle_failures:
            self.settle_failures -= 1
            raise TryLater("the broker is away")
        self.settled.append(settled)

    @property
    def ends(self) -> list[tuple[str, str, str | None]]:
        return [(each.provider, each.outcome, each.error_code) for each in self.settled]


@dataclass
class OpenScreen:
    """Lets everything pass but what has one of the blocked words; away as often as it is told."""

    blocked: tuple[str, ...] = ()
    away: list[bool] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def passes(
        self, texts: Sequence[Text], *, tenant: str, consented_name: str | None
    ) -> Sequence[bool]:
        if self.away and self.away.pop(0):
            raise TryLater("nobody answers safety.text.screen")
        self.seen += [text.words for text in texts]
        return [not any(word in text.words for word in self.blocked) for text in texts]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Writing:
    """A chain of models with fakes around it, and no real sleep."""

    models: Sequence[CaptionModel]
    attempts: RecordingAttempts = field(default_factory=RecordingAttempts)
    screen: OpenScreen = field(default_factory=OpenScreen)
    clock: Clock = field(default_factory=Clock)
    limits: dict[Platform, PlatformLimits] = field(default_factory=lambda: LIMITS)

    def __post_init__(self) -> None:
        screening = Screening(self.screen)
        self.writers = [Writer(model, clock=self.clock) for model in self.models]
        self.batch = WriteBatch(
            self.writers, screening, BuyCaptions(screening, self.limits), _no_time
        )
        self.books = LedgerBooks(self.attempts, sleep=_no_time)

    async def __call__(self, *events: ImageGenerated) -> list[Outcome]:
        jobs = [Job(event.piece_id, event.tenant, event.brief, event) for event in events]
        return await self.batch(jobs, self.books)


async def _no_time(_: float) -> None:
    await asyncio.sleep(0)


def pieces(count: int, **brief: object) -> list[ImageGenerated]:
    return [
        image_generated(brief={"prompt": f"TOK_a, subject number {n} by the sea at dawn", **brief})
        for n in range(count)
    ]

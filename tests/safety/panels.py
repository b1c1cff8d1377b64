"""Judges, and all that stands around them, for tests of moderation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from services.generator.preview.painter import paint
from services.safety.adapters.pillow_prints import PillowPrints
from services.safety.app import Rules, open_rules
from services.safety.domain.moderation import MINORS
from services.safety.domain.skips import Skips
from services.safety.domain.submission import Submission
from services.safety.handler.approvals import SignApproval
from services.safety.handler.checking import CheckContents
from services.safety.handler.moderation import ModerateContent
from services.safety.handler.panel import Panel
from services.safety.ports import Judge, Prints
from shared.content import ImagePrint, JudgeReport, Verdict
from shared.events import ContentHalted, ContentHooked, ContentModerated
from shared.outcomes import TryLater
from tests.builders import content_hooked
from tests.fakes import MemoryBlobs
from tests.verdict_keys import KEYS, SIGNER

RULES: Rules = open_rules()
POLICY = RULES.moderation
REQUIRED = POLICY.required_on_image


@cache
def drawn_png(seed: int = 1) -> bytes:
    """A labelled preview."""
    return paint(avatar_id="a", scene="studio", framing="half", seed=seed, width=512, height=512)


@dataclass
class Says:
    """Gives the same scores to everything, and remembers what it was shown."""

    name: str = "classifier"
    image: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(REQUIRED, 0.0))
    text: Mapping[str, float] = field(default_factory=dict)
    captions_alone: Mapping[str, float] | None = None
    shown: list[Submission] = field(default_factory=list)

    def concerns(self, submission: Submission) -> bool:
        return True

    async def judge(self, submission: Submission) -> JudgeReport | None:
        self.shown.append(submission)
        text = self.text
        if submission == submission.captions_alone() and self.captions_alone is not None:
            text = self.captions_alone
        return JudgeReport(
            judge=self.name,
            image_scores={} if submission.image is None else dict(self.image),
            text_scores=dict(text),
        )


def openai_says(**scores: Any) -> Says:
    """As OpenAI answers: nothing about minors on an image, everything about words."""
    image = {name: 0.0 for name in REQUIRED if name != MINORS}
    text = {name: 0.0 for name, rule in POLICY.categories.items() if rule.text_judges}
    return Says("openai", **({"image": image, "text": text} | scores))


@dataclass
class CannotJudge:
    """Is asked, and has no answer."""

    name: str = "openai"

    def concerns(self, submission: Submission) -> bool:
        return True

    async def judge(self, submission: Submission) -> JudgeReport | None:
        return None


@dataclass
class IsAway:
    """Cannot be reached."""

    name: str = "openai"
    after_s: float | None = None

    def concerns(self, submission: Submission) -> bool:
        return True

    async def judge(self, submission: Submission) -> JudgeReport | None:
        raise TryLater(f"{self.name} is away", after=self.after_s)


@dataclass
class RememberedTakedowns:
    """Images by hash, and by how they look."""

    pieces: dict[str, str] = field(default_factory=dict)
    are_away: bool = False

    async def are_any(self, tenant: str, sha256: str) -> bool:
        if self.are_away:
            raise TryLater("nobody answers ledger.image.match")
        return bool(self.pieces)

    async def like(self, tenant: str, sha256: str, image_print: ImagePrint | None) -> str | None:
        if self.are_away:
            raise TryLater("nobody answers ledger.image.match")
        return self.pieces.get(sha256) or self.pieces.get(image_print or "")


class OnePrint:
    """For tests that care about no image."""

    async def of(self, image: bytes) -> ImagePrint | None:
        return "00ff00ff00ff00ff"


@dataclass
class Moderation:
    """The handlers of the service, on things in memory."""

    judges: Sequence[Judge] = ()
    skips: Skips = field(default_factory=Skips)
    takedowns: RememberedTakedowns = field(default_factory=RememberedTakedowns)
    prints: Prints = field(default_factory=PillowPrints)
    staging: MemoryBlobs = field(default_factory=MemoryBlobs)

    @property
    def handler(self) -> ModerateContent:
        return ModerateContent(
            panel=Panel(self.judges, POLICY),
            staging=self.staging,
            texts=RULES.texts,
            prints=self.prints,
            takedowns=self.takedowns,
            skips=self.skips,
            signer=SIGNER,
            wait_s=60,
        )

    @property
    def approvals(self) -> SignApproval:
        return SignApproval(POLICY, RULES.texts, self.takedowns, SIGNER)

    @property
    def checks(self) -> CheckContents:
        return CheckContents(
            Panel(self.judges, POLICY), self.staging, RULES.texts, self.prints, self.takedowns, 5
        )

    async def hooked(self, image: bytes | None = None, **overrides: object) -> ContentHooked:
        """A captioned piece whose image is in staging."""
        data = drawn_png() if image is None else image
        ref = await self.staging.put("p/1", data, media_type="image/png")
        return content_hooked(image=ref, **overrides)

    async def verdict(self, event: ContentHooked) -> Verdict:
        """The verdict on a piece, which is signed for it."""
        return verdict_of(await self.handler(event))


def verdict_of(fact: ContentModerated | ContentHalted) -> Verdict:
    assert fact.verdict is not None
    assert KEYS.vouch_for(fact, fact.verdict)
    return fact.verdict

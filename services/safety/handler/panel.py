"""Ask every judge whom a piece concerns, at the same time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.safety.domain.moderation import ModerationPolicy
from services.safety.domain.rulings import Heard, Ruling, ruling
from services.safety.domain.submission import Submission
from services.safety.ports import Judge
from shared.content import BlockedOn, JudgeReport, Tier
from shared.outcomes import TryLater

IN_CAPTIONS = "{judge}/captions"
"""How a second report of a judge is named, about the captions alone."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """The ruling of those who answered, and who did not."""

    ruling: Ruling
    away: tuple[TryLater, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether waiting for who is away could change nothing for the better."""
        return not self.away or self.ruling.blocked is not None

    @property
    def wish(self) -> TryLater:
        """Why to wait, and for how long at most."""
        waits = [each.after_s for each in self.away if each.after_s is not None]
        detail = "; ".join(each.detail for each in self.away)
        return TryLater(detail, after=max(waits) if waits else None)


@dataclass(frozen=True, slots=True)
class Panel:
    """All judges. Nobody's word stands in for another's: who is away is waited for."""

    judges: Sequence[Judge]
    policy: ModerationPolicy

    async def rule(self, submission: Submission, tier: Tier) -> Hearing:
        """What everybody together says about a submission for `tier`."""
        asked = [judge for judge in self.judges if judge.concerns(submission)]
        answers = await asyncio.gather(
            *(judge.judge(submission) for judge in asked), return_exceptions=True
        )
        heard, away = _sorted_out(asked, answers)
        found = ruling(
            self.policy,
            heard,
            tier=tier,
            has_image=submission.image is not None,
            has_words=bool(submission.text),
        )
        return Hearing(await self._attributed(found, submission), away)

    async def _attributed(self, found: Ruling, submission: Submission) -> Ruling:
        """The same, telling blocked captions from a blocked prompt.

        Words are judged in one go, which does not say where the fault lies. Only when they are
        blocked are the captions asked about once more, alone. Without an answer it is the prompt.
        """
        if found.blocked_on is not BlockedOn.PROMPT or not submission.captions:
            return found
        alone = submission.captions_alone()
        (judge,) = (each for each in self.judges if each.name == found.blocked_by)
        try:
            report = await judge.judge(alone)
        except TryLater:
            return found
        if report is None:
            return found
        again = ruling(self.policy, Heard((report,)), tier=found.tier, has_image=False)
        return found.blamed_on_captions(
            report.model_copy(update={"judge": IN_CAPTIONS.format(judge=report.judge)}),
            guilty=again.blocked is not None,
        )


def _sorted_out(
    asked: Sequence[Judge], answers: Sequence[JudgeReport | BaseException | None]
) -> tuple[Heard, tuple[TryLater, ...]]:
    reports, could_not, away, wishes = [], [], [], []
    for judge, answer in zip(asked, answers, strict=True):
        if isinstance(answer, TryLater):
            away.append(judge.name)
            wishes.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        elif answer is None:
            could_not.append(judge.name)
        else:
            reports.append(answer)
    return Heard(tuple(reports), tuple(could_not), tuple(away)), tuple(wishes)

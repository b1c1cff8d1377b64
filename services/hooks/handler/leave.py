"""The ledger's leave for the pieces of a call, and what was bought for them before."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from services.hooks.handler.books import Books
from services.hooks.handler.jobs import Batch, Unwritten
from services.hooks.handler.screening import Screening, Unscreened
from services.hooks.ports import CallTerms
from shared.calls import AttemptAnswer
from shared.content import Captions
from shared.outcomes import GiveUp, TryLater


@dataclass(frozen=True, slots=True)
class AskLeave:
    """Asks for all pieces of a batch at the same time; the ledger takes them together."""

    screening: Screening
    unscreened: Unscreened
    keep: int

    async def __call__(self, batch: Batch, books: Books, terms: CallTerms) -> dict[int, str]:
        """The attempts of those that may be called for; what else comes of others is told them."""
        left = batch.left
        answers = await asyncio.gather(
            *(books.open(batch.jobs[place], terms) for place in left), return_exceptions=True
        )
        allowed: dict[int, str] = {}
        bought: dict[int, AttemptAnswer] = {}
        for place, answer in zip(left, answers, strict=True):
            match answer:
                case AttemptAnswer(answer="go", attempt_id=str(attempt_id)):
                    allowed[place] = attempt_id
                case AttemptAnswer(answer="done", captions=Captions()):
                    bought[place] = answer
                case _:
                    batch.outcomes[place] = _told(answer)
        await self._adopt(batch, bought)
        return allowed

    async def _adopt(self, batch: Batch, bought: dict[int, AttemptAnswer]) -> None:
        """Bought before, in a run or process that could not tell: do not buy again."""
        written = {place: self._hooks(answer) for place, answer in bought.items()}
        try:
            passed = await self.screening.passed(batch, written)
        except TryLater as exc:
            batch.outcomes.update(dict.fromkeys(bought, exc))
            return
        for place, answer in bought.items():
            self.unscreened.drop(answer.attempt_id or "")
            batch.outcomes[place] = _adopted(answer, written[place], passed[place][: self.keep])

    def _hooks(self, answer: AttemptAnswer) -> tuple[str, ...]:
        captions = answer.captions
        known = captions.hooks if captions is not None else ()
        return known or self.unscreened.of(answer.attempt_id or "")


def _told(answer: AttemptAnswer | BaseException) -> Unwritten | Exception:
    match answer:
        case AttemptAnswer(answer="no", reason="spent"):
            return Unwritten("unavailable")
        case AttemptAnswer(answer="no"):
            return GiveUp(answer.reason or "refused", "the ledger allows no further call")
        case AttemptAnswer():
            return TryLater("another call for this piece may be under way", after=answer.after_s)
        case Exception():
            return answer
    raise answer


def _adopted(
    answer: AttemptAnswer, known: Iterable[str], hooks: tuple[str, ...]
) -> Captions | Unwritten:
    captions = answer.captions
    if captions is not None and hooks:
        return captions.model_copy(update={"hooks": hooks})
    if captions is None or not known:
        return Unwritten((captions and captions.instead_of) or "unavailable")
    return Unwritten("blocked")

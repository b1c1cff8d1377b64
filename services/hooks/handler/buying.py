"""One call for many pieces: with leave, once, and on record whatever becomes of it."""

import asyncio
from collections.abc import Mapping

from services.hooks.domain.commission import Commission, shown
from services.hooks.domain.failures import CopyFailure
from services.hooks.domain.limits import PlatformLimits
from services.hooks.domain.sorting import sort_out
from services.hooks.handler.books import Books, Ended
from services.hooks.handler.entries import Call, bought, in_vain, key_of, succeeded
from services.hooks.handler.jobs import Batch, Unwritten
from services.hooks.handler.leave import AskLeave
from services.hooks.handler.screening import Screening, Unscreened, Written
from services.hooks.handler.writer import Writer
from services.hooks.ports import Answer, CallTerms
from shared import failpoints
from shared.breaker import Admission
from shared.content import Platform
from shared.outcomes import TryLater

_MALFORMED = CopyFailure("MALFORMED", "too few usable captions for this piece")


class BuyCaptions:
    """Asks the ledger, calls the model, sorts out the answer, has it screened, settles the call.

    `keep` captions make a piece, `spare` more are asked for: some will not do.
    """

    def __init__(
        self,
        screening: Screening,
        limits: Mapping[Platform, PlatformLimits],
        *,
        keep: int = 5,
        spare: int = 1,
    ) -> None:
        self._screening = screening
        self._limits = limits
        self._keep = keep
        self._spare = spare
        self._unscreened = Unscreened()
        self._leave = AskLeave(screening, self._unscreened, keep)

    async def __call__(
        self, writer: Writer, admission: Admission, batch: Batch, books: Books
    ) -> None:
        """Pieces that something came of leave the batch. Raises CopyFailure."""
        terms = CallTerms(writer.name, writer.model.call_limit_s)
        attempts = await self._leave(batch, books, terms)
        if not attempts:
            admission.dropped()
            return
        call = Call(writer, attempts, self._commission(batch, attempts))
        try:
            answer = await writer.model.write(call.commission)
        except CopyFailure as failure:
            writer.failed(admission, failure)
            await self._enter_failure(call, batch, books, failure)
            raise
        failpoints.reach("hooks/after_call")
        writer.succeeded(admission)
        await self._take_in(call, batch, books, answer)

    def _commission(self, batch: Batch, attempts: Mapping[int, str]) -> Commission:
        brief = batch.first.brief
        return Commission(
            brief=brief,
            limits=self._limits[brief.platform],
            count=self._keep + self._spare,
            pictures={key_of(place): shown(batch.jobs[place].brief) for place in attempts},
        )

    async def _take_in(self, call: Call, batch: Batch, books: Books, answer: Answer) -> None:
        good = sort_out(answer.items, call.commission, least=self._keep)
        written = {place: good[key_of(place)] for place in call.attempts if key_of(place) in good}
        passed, away = await self._screened(call, batch, written)
        ends: dict[int, Ended] = {}
        for place, share in call.shares(answer, written).items():
            if place not in written:
                batch.why[place] = _MALFORMED.instead_of
                ends[place] = in_vain(call, share, _MALFORMED)
                continue
            captions = bought(call, place, answer, share, passed[place][: self._keep])
            if not captions.hooks and away is None:
                captions = captions.model_copy(update={"instead_of": "blocked"})
            ends[place] = succeeded(call, share, captions)
            batch.outcomes[place] = away or (captions if captions.hooks else Unwritten("blocked"))
        await self._enter(call, batch, books, ends)

    async def _screened(
        self, call: Call, batch: Batch, written: Written
    ) -> tuple[Written, TryLater | None]:
        """What passes. While the screen is away nothing does, and nothing is forgotten."""
        try:
            return await self._screening.passed(batch, written), None
        except TryLater as away:
            for place, hooks in written.items():
                self._unscreened.keep(call.attempts[place], hooks)
            return dict.fromkeys(written, ()), away

    async def _enter_failure(
        self, call: Call, batch: Batch, books: Books, failure: CopyFailure
    ) -> None:
        shares = call.shares(failure, {})
        ends = {place: in_vain(call, share, failure) for place, share in shares.items()}
        if not failure.is_busy:
            batch.why.update(dict.fromkeys(ends, failure.instead_of))
        for place in ends if failure.outcome == "unknown" else ():
            batch.lose(place)
        await self._enter(call, batch, books, ends)

    async def _enter(
        self, call: Call, batch: Batch, books: Books, ends: Mapping[int, Ended]
    ) -> None:
        entries = (
            books.settle(batch.jobs[place], call.attempts[place], ended)
            for place, ended in ends.items()
        )
        results = await asyncio.gather(*entries, return_exceptions=True)
        for place, error in zip(ends, results, strict=True):
            # What is not on record must not go on.
            if isinstance(error, Exception):
                batch.outcomes[place] = error
        failpoints.reach("hooks/after_settlement")

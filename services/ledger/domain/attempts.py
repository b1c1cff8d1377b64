"""May a provider be called for a piece? The rules that keep anything from being bought twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import NAMESPACE_OID, uuid5

Kind = Literal["image", "captions"]
Outcome = Literal["open", "succeeded", "failed", "unknown"]
Refusal = Literal["cancelled", "deadline", "superseded", "ended", "frozen", "spent"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider call as recorded.

    `settled`: its outcome is final and its cost is known. `has_result`: what it gave is on record.
    `bytes_lost`: its image was paid for, but is gone, so the piece has to be bought again.
    """

    attempt_id: str
    number: int
    outcome: Outcome
    holder: str
    lease_until: datetime
    call_id: str | None = None
    settled: bool = False
    has_result: bool = False
    bytes_lost: bool = False
    kind: Kind = "image"


@dataclass(frozen=True, slots=True)
class PieceStanding:
    """Where a piece stands. `settled`: it has ended, or waits for review.

    `frozen`: nothing more may be bought for its avatar.
    """

    current_run: int
    deadline_at: datetime
    settled: bool = False
    reason: str | None = None
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for what and which run; `lost` is an earlier success whose bytes are gone."""

    attempt_id: str
    run: int
    holder: str
    lost: str | None = None
    kind: Kind = "image"


@dataclass(frozen=True, slots=True)
class Go:
    """Call, under this id and number; the attempts in `lost` will not be heard of in time."""

    attempt_id: str
    number: int
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GoOn:
    """Call, as was answered before: the answer had got lost."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Done:
    """An earlier call succeeded; use what it gave."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Pending:
    """An earlier call was submitted; wait for its result under its id."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody else may be calling; come back after `after_s`.

    `capacity`: for other pieces, as many as the provider may be called for at a time. `unread`: the
    last call has ended, which these books have yet to read.
    """

    after_s: float
    reason: Literal["capacity", "unread"] | None = None


@dataclass(frozen=True, slots=True)
class No:
    """Do not call; the attempts in `lost` will not be heard of in time."""

    reason: Refusal
    lost: tuple[str, ...] = ()


_MOST_LOST_CAPTIONS = 2
"""A call that was lost is made once more; then written captions have to do."""

_REFUSED_BY_END: Mapping[str, Refusal] = {"cancelled": "cancelled", "frozen": "frozen"}

Answer = Go | GoOn | Done | Pending | Wait | No


def answer_to(
    ask: Ask, piece: PieceStanding, attempts: Sequence[Attempt], *, now: datetime
) -> Answer:
    """Decide about one more call for a piece, given every earlier attempt of all its runs.

    What was bought of another kind only counts where attempts are numbered.
    """
    if piece.settled or ask.run < piece.current_run:
        return No(_refusal_of(piece))
    alike = [attempt for attempt in attempts if attempt.kind == ask.kind]
    bought = [attempt for attempt in alike if _is_at_hand(attempt, ask)]
    if bought:
        return Done(max(bought, key=lambda attempt: attempt.number))
    unsettled = [attempt for attempt in alike if not attempt.settled]
    standing = _answer_about_earlier(ask, unsettled, now)
    # What was submitted is bought already; what was only allowed may not have been begun.
    if piece.frozen and (standing is None or isinstance(standing, GoOn)):
        return No("frozen")
    if standing is not None:
        return standing
    if now >= piece.deadline_at:
        return No("deadline")
    lost = tuple(attempt.attempt_id for attempt in unsettled if attempt.outcome == "open")
    return No("spent", lost) if _is_spent(ask, alike) else _new_call(ask, attempts, lost)


def _refusal_of(piece: PieceStanding) -> Refusal:
    if not piece.settled:
        return "superseded"
    return _REFUSED_BY_END.get(piece.reason or "", "ended")


def _is_at_hand(attempt: Attempt, ask: Ask) -> bool:
    """Whether it gave what is asked for. Only bytes can get lost: captions are in the books."""
    if ask.kind == "image" and (attempt.bytes_lost or attempt.attempt_id == ask.lost):
        return False
    return attempt.has_result


def _answer_about_earlier(
    ask: Ask, unsettled: Sequence[Attempt], now: datetime
) -> GoOn | Pending | Wait | None:
    """What earlier calls without a known end mean for this ask, or None if they are over."""
    for attempt in unsettled:
        mine = attempt.holder == ask.holder
        if attempt.outcome == "open" and not mine and now < attempt.lease_until:
            return Wait((attempt.lease_until - now) / timedelta(seconds=1))
    for attempt in unsettled:
        # Nobody can be asked later what captions a call has given.
        if attempt.call_id is not None and ask.kind == "image":
            return Pending(attempt)
        again = attempt.attempt_id == ask.attempt_id and attempt.holder == ask.holder
        if attempt.outcome == "open" and again:
            return GoOn(attempt)
    return None


def _is_spent(ask: Ask, alike: Sequence[Attempt]) -> bool:
    """Whether so many calls may have been charged, with nothing on record, that it is enough."""
    lost = sum(attempt.outcome != "failed" for attempt in alike)
    return ask.kind == "captions" and lost >= _MOST_LOST_CAPTIONS


def _new_call(ask: Ask, attempts: Sequence[Attempt], lost: tuple[str, ...]) -> Go:
    number = 1 + max((attempt.number for attempt in attempts), default=0)
    taken = any(attempt.attempt_id == ask.attempt_id for attempt in attempts)
    # An id is settled at most once; a call that reused one could never be accounted for.
    attempt_id = (
        str(uuid5(NAMESPACE_OID, f"{ask.attempt_id}/{number}")) if taken else ask.attempt_id
    )
    return Go(attempt_id, number, lost)

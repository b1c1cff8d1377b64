"""May a provider be called for a piece? The rules that keep an image from being bought twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import NAMESPACE_OID, uuid5

Outcome = Literal["open", "succeeded", "failed", "unknown"]
Refusal = Literal["cancelled", "deadline", "superseded", "ended", "frozen"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider call as recorded.

    `settled`: its outcome is final and its cost is known. `bytes_lost`: its image was paid for,
    but is gone, so the piece has to be bought again.
    """

    attempt_id: str
    number: int
    outcome: Outcome
    holder: str
    lease_until: datetime
    call_id: str | None = None
    settled: bool = False
    has_image: bool = False
    bytes_lost: bool = False


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
    """Who asks for which run; `lost` is an earlier success whose bytes are gone."""

    attempt_id: str
    run: int
    holder: str
    lost: str | None = None


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
    """An earlier call succeeded; use its image."""

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
    """Do not call."""

    reason: Refusal


_REFUSED_BY_END: Mapping[str, Refusal] = {"cancelled": "cancelled", "frozen": "frozen"}

Answer = Go | GoOn | Done | Pending | Wait | No


def answer_to(
    ask: Ask, piece: PieceStanding, attempts: Sequence[Attempt], *, now: datetime
) -> Answer:
    """Decide about one more call for a piece, given every earlier attempt of all its runs."""
    if piece.settled or ask.run < piece.current_run:
        return No(_refusal_of(piece))
    bought = [
        attempt
        for attempt in attempts
        if attempt.has_image and not (attempt.bytes_lost or attempt.attempt_id == ask.lost)
    ]
    if bought:
        return Done(max(bought, key=lambda attempt: attempt.number))
    unsettled = [attempt for attempt in attempts if not attempt.settled]
    standing = _answer_about_earlier(ask, unsettled, now)
    # What was submitted is bought already; what was only allowed may not have been begun.
    if piece.frozen and (standing is None or isinstance(standing, GoOn)):
        return No("frozen")
    if standing is not None:
        return standing
    if now >= piece.deadline_at:
        return No("deadline")
    lost = tuple(attempt.attempt_id for attempt in unsettled if attempt.outcome == "open")
    return _new_call(ask, attempts, lost)


def _refusal_of(piece: PieceStanding) -> Refusal:
    if not piece.settled:
        return "superseded"
    return _REFUSED_BY_END.get(piece.reason or "", "ended")


def _answer_about_earlier(
    ask: Ask, unsettled: Sequence[Attempt], now: datetime
) -> GoOn | Pending | Wait | None:
    """What earlier calls without a known end mean for this ask, or None if they are over."""
    for attempt in unsettled:
        mine = attempt.holder == ask.holder
        if attempt.outcome == "open" and not mine and now < attempt.lease_until:
            return Wait((attempt.lease_until - now) / timedelta(seconds=1))
    for attempt in unsettled:
        if attempt.call_id is not None:
            return Pending(attempt)
        again = attempt.attempt_id == ask.attempt_id and attempt.holder == ask.holder
        if attempt.outcome == "open" and again:
            return GoOn(attempt)
    return None


def _new_call(ask: Ask, attempts: Sequence[Attempt], lost: tuple[str, ...]) -> Go:
    number = 1 + max((attempt.number for attempt in attempts), default=0)
    taken = any(attempt.attempt_id == ask.attempt_id for attempt in attempts)
    # An id is settled at most once; a call that reused one could never be accounted for.
    attempt_id = (
        str(uuid5(NAMESPACE_OID, f"{ask.attempt_id}/{number}")) if taken else ask.attempt_id
    )
    return Go(attempt_id, number, lost)

"""I2 against the own log of whoever writes captions: one call may be for many pieces.

Calls and rows meet by the texts, none of which two calls give. What a call cost is shared among
its pieces to the last token; a share that is missing is that of a call whose end nobody knows, of
one that was paid in vain, or of one whose captions were blocked, so that nobody keeps them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.audit.report import Violation
from tests.audit.rows import CAPTIONS, AttemptRow
from tests.audit.world import World

UNITS = ("input_tokens", "output_tokens", "cost_usd_micros")


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the provider saw it, begun at `at`. `used` is what it will bill, by its unit."""

    call: str
    at: float
    texts: frozenset[str]
    used: Mapping[str, int]


def calls(world: World) -> tuple[Call, ...]:
    """Every call that was asked, put together from the lines of the log."""
    found: dict[str, Call] = {}
    for event in world.evidence.captioner or ():
        known = found.get(event.call)
        units = {name: getattr(event, name) for name in UNITS} if event.billed else {}
        used = {name: count for name, count in units.items() if count is not None}
        found[event.call] = Call(
            call=event.call,
            at=known.at if known is not None else event.at,
            texts=frozenset(event.texts) | (known.texts if known is not None else frozenset()),
            used=used or (known.used if known is not None else {}),
        )
    return tuple(found.values())


def violations(world: World) -> Iterator[Violation]:
    """Every disagreement of log and books; none where nobody kept a log."""
    if world.evidence.captioner is None:
        return
    began = world.evidence.run.began - world.grace.clocks_s
    rows = [row for row in world.books.attempts if row.kind == CAPTIONS and row.opened_at >= began]
    asked = calls(world)
    yield from _given(asked, rows)
    shared = _shared(asked, rows)
    for call in asked:
        covering = [row for row in rows if _covers(world, row, call)]
        if not covering:
            yield _breach("called_without_leave", call, "no row was open when it began")
        yield from _added_up(call, shared[call.call], covering)


def _breach(code: str, call: Call, detail: str, *, heals: bool = False) -> Violation:
    return Violation("I2", code, f"call {call.call} for captions", detail, heals)


def _given(asked: Sequence[Call], rows: Sequence[AttemptRow]) -> Iterator[Violation]:
    given = {text for call in asked for text in call.texts}
    for row in rows:
        if row.hooks and given.isdisjoint(row.hooks):
            detail = "no call gave its captions"
            # The provider may have finished since its log was read.
            yield Violation("I2", "captions_not_given", row.attempt_id, detail, heals=True)


def _shared(asked: Sequence[Call], rows: Sequence[AttemptRow]) -> Mapping[str, list[AttemptRow]]:
    """The rows that tell what a call gave, by call."""
    call_of = {text: call.call for call in asked for text in call.texts}
    found: defaultdict[str, list[AttemptRow]] = defaultdict(list)
    for row in rows:
        for call in {call_of[text] for text in row.hooks if text in call_of}:
            found[call].append(row)
    return found


def _covers(world: World, row: AttemptRow, call: Call) -> bool:
    """Whether a row is of a call that may have begun then."""
    clocks_s = world.grace.clocks_s
    return row.opened_at - clocks_s <= call.at <= row.lease_until + clocks_s


def _added_up(
    call: Call, shares: Sequence[AttemptRow], covering: Sequence[AttemptRow]
) -> Iterator[Violation]:
    excused = any(
        row.is_unclear or row.is_paid_in_vain or (row.captions is not None and not row.hooks)
        for row in covering
    )
    for unit, used in call.used.items():
        told = sum((row.captions or {}).get(unit, 0) for row in shares)
        if told > used:
            yield _breach("shares_exceed", call, f"{unit}: {told} of {used}")
        elif told < used and not excused:
            yield _breach("share_unrecorded", call, f"{unit}: {told} of {used}", heals=True)

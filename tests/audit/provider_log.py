"""I2 against the own log of the provider of images: what it was asked, and what it will bill.

Calls and pieces meet by what was asked for; two pieces that ask for the very same image are
judged together. A success that the generator never heard of is covered by a row `unknown`, unless
its bill was found to be none; an image of no use that was billed by a failure with a cost.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.audit.report import Violation
from tests.audit.rows import IMAGE, AttemptRow
from tests.audit.world import World

NAME = "I2"
DRAWN = frozenset({"preview"})
"""Providers that draw inside the generator: nobody outside keeps a log of them."""

Wish = tuple[object, ...]
"""What was asked for: prompts, seed, size, steps and guidance."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the provider saw it. `sha256` is of the image that it finished."""

    call: str
    wish: Wish
    billed: bool
    sha256: str | None


def wish_of_request(request: Mapping[str, Any]) -> Wish:
    """What a call to the provider asked for."""
    names = ("prompt", "negative_prompt", "seed", "width", "height", "steps", "cfg")
    return tuple(request.get(name) for name in names)


def wish_of_brief(brief: Mapping[str, Any]) -> Wish:
    """What a call for this piece has to ask for."""
    names = ("prompt", "negative_prompt", "seed", "width", "height", "steps", "cfg_scale")
    return tuple(brief.get(name) for name in names)


def calls(world: World) -> tuple[Call, ...]:
    """Every call that the provider was asked, put together from the lines of its log."""
    found: dict[str, Call] = {}
    for event in world.evidence.provider or ():
        known = found.get(event.call)
        found[event.call] = Call(
            call=event.call,
            wish=wish_of_request(event.request),
            billed=event.billed or (known is not None and known.billed),
            sha256=event.sha256 or (known.sha256 if known is not None else None),
        )
    return tuple(found.values())


def violations(world: World) -> Iterator[Violation]:
    """Every disagreement of log and books; none where no provider kept a log."""
    if world.evidence.provider is None:
        return
    asked: defaultdict[Wish, list[Call]] = defaultdict(list)
    for call in calls(world):
        asked[call.wish].append(call)
    recorded = _rows(world)
    for wish in asked.keys() | recorded.keys():
        yield from _compare(asked.get(wish, []), recorded.get(wish, []))


def _rows(world: World) -> Mapping[Wish, list[AttemptRow]]:
    began = world.evidence.run.began - world.grace.clocks_s
    found: defaultdict[Wish, list[AttemptRow]] = defaultdict(list)
    for row in world.books.attempts:
        piece = world.pieces.get(row.piece_id)
        is_from_outside = row.kind == IMAGE and row.provider not in DRAWN
        if piece is not None and is_from_outside and row.opened_at >= began:
            found[wish_of_brief(piece.brief)].append(row)
    return found


def _compare(asked: list[Call], rows: list[AttemptRow]) -> Iterator[Violation]:
    # The log is read before the books, so calls that are under way have their rows.
    subject = rows[0].piece_id if rows else f"call {asked[0].call}"
    if len(asked) > len(rows):
        detail = f"{len(asked)} calls, {len(rows)} rows"
        yield Violation(NAME, "called_without_leave", subject, detail)
    given = Counter(call.sha256 for call in asked if call.billed)
    claimed = Counter(row.image_sha256 for row in rows if row.outcome == "succeeded")
    if claimed - given:
        detail = f"{(claimed - given).total()} rows claim a success that was not given so often"
        # The provider may have finished since its log was read.
        yield Violation(NAME, "success_not_given", subject, detail, heals=True)
    unclaimed = (given - claimed).total()
    in_vain = sum(row.is_paid_in_vain for row in rows)
    unclear = sum(row.is_unclear for row in rows)
    if in_vain > unclaimed:
        detail = f"{in_vain} rows tell of a charge for nothing, {unclaimed} were made"
        yield Violation(NAME, "failure_billed", subject, detail, heals=True)
    if unclaimed > in_vain + unclear:
        detail = f"{unclaimed} billed successes without a row, {unclear} calls of unknown outcome"
        yield Violation(NAME, "success_unrecorded", subject, detail, heals=True)

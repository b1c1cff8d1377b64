"""I2: each success of a provider has exactly one row of cost; a piece is billed at most once.

That is once for its image, and once for its captions where a model writes them.

A failed call may have cost money, for an image of no use has to be paid: a cost, and no image. What
an unknown call cost counts once a person has said so, with the bill in hand.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from tests.audit import caption_log, captions, provider_log, substitutes
from tests.audit.report import Violation
from tests.audit.rows import IMAGE, AttemptRow
from tests.audit.streams import FactMessage
from tests.audit.world import World

NAME = "I2"
CLAIM = "each success of a provider has one row of cost; a piece is billed at most once"

FREEZE_TAKES_S = 1.0
"""A call that was allowed a moment before may be opened a moment after."""


def checked(world: World) -> int:
    """Provider calls that were looked at: rows, and calls in the providers' own logs."""
    logged = len(provider_log.calls(world)) + len(caption_log.calls(world))
    return len(world.books.attempts) + logged


def violations(world: World) -> list[Violation]:
    """Every breach."""
    return [
        *provider_log.violations(world),
        *caption_log.violations(world),
        *captions.violations(world),
        *(each for rows in world.attempts_of.values() for each in _bought_once(world, rows)),
        *(each for row in world.books.attempts for each in _row(world, row)),
        *(each for fact in world.messages("attempt.settled") for each in _recorded(world, fact)),
        *_settled_once(world),
        *_sums(world),
        *_bought_while_frozen(world),
        *substitutes.paid(world),
    ]


def _breach(code: str, subject: str, detail: str, *, heals: bool = False) -> Violation:
    return Violation(NAME, code, subject, detail, heals)


def _bought_once(world: World, rows: Sequence[AttemptRow]) -> Iterator[Violation]:
    """After a success nothing of its kind is bought, unless its bytes are on record as lost.

    A success that was heard of late excuses a second call only if its lease had run out by then.
    """
    for first, second in combinations(rows, 2):
        is_lost = first.kind == IMAGE and first.bytes_lost_at is not None
        if first.kind != second.kind or first.outcome != "succeeded" or is_lost:
            continue
        given_up_at = first.lease_until - world.grace.clocks_s
        known = first.settled_at is not None and first.settled_at <= second.opened_at
        if known or second.opened_at < given_up_at:
            detail = f"attempt {second.number} was opened after attempt {first.number} succeeded"
            yield _breach("bought_again", first.piece_id, detail)


def _row(world: World, row: AttemptRow) -> Iterator[Violation]:
    if row.cost_usd_micros < 0:
        yield _breach("negative_cost", row.attempt_id, f"{row.cost_usd_micros} micro-dollars")
    has_end = row.outcome in {"succeeded", "failed"} or row.is_reconciled
    if row.cost_usd_micros and not has_end:
        yield _breach("failure_billed", row.attempt_id, f"{row.outcome}: {row.cost_usd_micros}")
    if row.outcome == "failed" and row.image_sha256 is not None:
        yield _breach("failure_with_image", row.attempt_id, "a success is recorded as a failure")
    if row.outcome == "open" and row.reconciled_at is not None:
        yield _breach("reconciled_too_soon", row.attempt_id, "it may still be under way")
    if row.kind == IMAGE and row.outcome == "succeeded" and row.image_sha256 is None:
        yield _breach("success_without_image", row.attempt_id, "nobody could adopt it")
    told = row.attempt_id in world.settlements or world.facts_lost
    if row.settled_at is not None and not told:
        yield _breach("settled_untold", row.attempt_id, "no fact attempt.settled", heals=True)


def _bought_while_frozen(world: World) -> Iterator[Violation]:
    frozen_at = {row.avatar_id: row.frozen_at for row in world.books.avatars}
    for row in world.books.attempts:
        since = frozen_at.get(row.avatar_id or "")
        if since is not None and row.opened_at > since + FREEZE_TAKES_S:
            late_s = row.opened_at - since
            yield _breach("bought_while_frozen", row.attempt_id, f"{late_s:.0f} s after the freeze")


def _recorded(world: World, fact: FactMessage) -> Iterator[Violation]:
    """The row says what the fact says."""
    row = world.attempts.get(fact.tokens[-1])
    if row is None:
        yield _breach("settlement_lost", fact.tokens[-1], "settled, but not on record", heals=True)
        return
    image = (fact.body.get("image") or {}).get("sha256")
    cost = fact.body.get("cost_usd_micros")
    told = (fact.body.get("outcome"), cost, fact.body.get("kind", IMAGE), image)
    # The fact could not tell what the bill says later.
    known = cost if row.is_reconciled else row.cost_usd_micros
    recorded = (row.outcome, known, row.kind, row.image_sha256)
    if told != recorded or not _are_those(row, fact):
        detail = f"told {told}, recorded {recorded}"
        yield _breach("settlement_differs", row.attempt_id, detail, heals=row.settled_at is None)


def _are_those(row: AttemptRow, fact: FactMessage) -> bool:
    """Whether the captions are those of the fact; some may have been blocked meanwhile."""
    told = set((fact.body.get("captions") or {}).get("hooks", ()))
    return told <= set(row.hooks) or told >= set(row.hooks)


def _settled_once(world: World) -> Iterator[Violation]:
    for attempt_id, times in world.settlements.items():
        if times > 1:
            yield _breach("settled_twice", attempt_id, f"{times} facts attempt.settled")


def _sums(world: World) -> Iterator[Violation]:
    sums: Counter[str] = Counter()
    for row in world.books.attempts:
        sums[row.task_id] += row.cost_usd_micros
    for task in world.shown:
        if task.cost_usd_micros != sums[task.task_id]:
            detail = f"shown {task.cost_usd_micros}, its attempts cost {sums[task.task_id]}"
            yield _breach("sum_differs", task.task_id, detail, heals=True)

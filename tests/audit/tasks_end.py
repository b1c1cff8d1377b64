"""I1, as far as whole tasks go: all their pieces are there, and they complete exactly once."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.audit.evidence import Order
from tests.audit.report import Violation
from tests.audit.rows import PieceRow, TaskRow
from tests.audit.streams import FactMessage
from tests.audit.world import ENDED, HELD, UNDER_WAY, World

NAME = "I1"
SETTLED = (*sorted(ENDED), HELD)


def violations(world: World) -> Iterator[Violation]:
    """Every breach that shows in a task."""
    for order in world.accepted.values():
        yield from _promised(world, order)
    for task in world.books.tasks:
        if task.avatar_exists:
            yield from _task(world, task)


def _breach(code: str, task_id: str, detail: str, *, heals: bool = False) -> Violation:
    return Violation(NAME, code, task_id, detail, heals)


def _promised(world: World, order: Order) -> Iterator[Violation]:
    task_id = order.task_id or ""
    task = world.tasks.get(task_id)
    if task is None:
        yield _breach("task_missing", task_id, "accepted, but there is no such task")
    elif task.total != order.num_pieces:
        yield _breach(
            "total_differs", task_id, f"{order.num_pieces} ordered, {task.total} recorded"
        )
    if world.shown and task_id not in world.shown_tasks:
        yield _breach("not_shown", task_id, "its owner cannot see it")


def _task(world: World, task: TaskRow) -> Iterator[Violation]:
    pieces = world.pieces_of.get(task.task_id, ())
    if sorted(piece.index for piece in pieces) != list(range(task.total)):
        yield _breach("pieces_missing", task.task_id, f"{len(pieces)} rows, {task.total} expected")
    states = Counter(piece.state for piece in pieces)
    # A task completes while people have still to decide, and does not complete anew after that.
    waited_for = [piece for piece in pieces if piece.state in UNDER_WAY and not piece.held]
    going_on = any(piece.state in UNDER_WAY and piece.held for piece in pieces)
    told = world.completions.get(task.task_id, ())
    if waited_for:
        if told or task.completed_at is not None:
            yield _breach("completed_early", task.task_id, f"its pieces are {dict(states)}")
    else:
        if not going_on or told:
            yield from _completion(world, task, told)
        for fact in told:
            yield from _as_told(task, pieces, fact)
    yield from _as_shown(world, task, states)


def _completion(world: World, task: TaskRow, told: tuple[FactMessage, ...]) -> Iterator[Violation]:
    if task.completed_at is None:
        yield _breach("never_completed", task.task_id, "no piece is under way", heals=True)
    if len(told) > 1 or (not told and not world.facts_lost):
        detail = f"{len(told)} facts task.completed"
        yield _breach("completed_facts", task.task_id, detail, heals=not told)


def _as_told(task: TaskRow, pieces: Sequence[PieceRow], fact: FactMessage) -> Iterator[Violation]:
    """What is told of a piece that people decided about may be from before or after that."""
    sure = Counter(piece.state for piece in pieces if not piece.held)
    decided = Counter(piece.state for piece in pieces if piece.held)
    told = {name: fact.body.get(name) for name in ("state", "total", *SETTLED)}
    more = {name: (told[name] or 0) - sure[name] for name in SETTLED}
    fits = all(
        0 <= more[name] <= (decided.total() if name == HELD else decided[name]) for name in SETTLED
    )
    if (
        (told["state"], told["total"]) != (task.state, task.total)
        or not fits
        or (sum(more.values()) != decided.total())
    ):
        recorded = {"state": task.state, "total": task.total} | dict(sure + decided)
        yield _breach("completion_differs", task.task_id, f"told {told}, recorded {recorded}")


def _as_shown(world: World, task: TaskRow, states: Counter[str]) -> Iterator[Violation]:
    task_shown = world.shown_tasks.get(task.task_id)
    if task_shown is None:
        return
    shown = {name: task_shown.counts.get(name) for name in SETTLED}
    recorded = {name: states[name] for name in SETTLED}
    if shown != recorded:
        detail = f"the door shows {shown}, recorded {recorded}"
        yield _breach("shown_differs", task.task_id, detail, heals=True)

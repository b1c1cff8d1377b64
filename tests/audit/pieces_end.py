"""I1: every accepted piece ends exactly once, by its deadline, or waits visibly for review.

Books, facts and what the door shows must tell the same story about it.
"""

from collections.abc import Iterator, Sequence

from tests.audit import tasks_end
from tests.audit.reasons import DECIDED_LATER, REASONS
from tests.audit.report import Violation
from tests.audit.rows import PieceRow
from tests.audit.world import BEGINNINGS, ENDED, HELD, TERMINAL, UNDER_WAY, RunFact, World

NAME = "I1"
CLAIM = "every accepted piece ends once, by its deadline, or waits visibly for review"

_WAY_TO_STORED = (
    *("content.requested", "image.generated", "content.hooked"),
    *("content.moderated", "content.stored"),
)
WAYS = {"persisted": (*_WAY_TO_STORED, "content.persisted"), HELD: _WAY_TO_STORED}
"""The facts that a run must have, each once and in this order, for a piece in this state."""
WAY_AFTER_REVIEW = (
    *("review.approved", "content.moderated", "content.stored", "content.persisted"),
)


def checked(world: World) -> int:
    """Pieces that were looked at."""
    return len(world.books.pieces)


def violations(world: World) -> list[Violation]:
    """Every breach."""
    return [
        *tasks_end.violations(world),
        *(each for piece in world.books.pieces for each in _piece(world, piece)),
        *(each for fact in world.run_facts for each in _belongs(world, fact)),
        *_stuck(world),
    ]


def _breach(code: str, subject: str, detail: str, *, heals: bool = False) -> Violation:
    return Violation(NAME, code, subject, detail, heals)


def _piece(world: World, piece: PieceRow) -> Iterator[Violation]:
    facts = world.facts_of.get(piece.piece_id, ())
    yield from _in_time(world, piece)
    if piece.state in REASONS and piece.reason not in REASONS[piece.state]:
        yield _breach("reason_unknown", piece.piece_id, f"{piece.state}: {piece.reason}")
    yield from _ended_once(world, piece, [fact for fact in facts if fact.fact in TERMINAL])
    yield from _whole_way(world, piece, facts)
    ending = f"content.{'held' if piece.state == HELD else piece.state}"
    if piece.state not in UNDER_WAY and (piece.piece_id, piece.run, ending) not in world.history:
        yield _breach("history_differs", piece.piece_id, f"no {ending} in its history")


def _in_time(world: World, piece: PieceRow) -> Iterator[Violation]:
    latest = piece.deadline_at + world.grace.late_s
    if piece.state in UNDER_WAY:
        # Slow or lost? Lost is what nobody has in hand; only the sweeper could still find it.
        code = "stranded" if world.is_idle else "not_ended"
        yield _breach(code, piece.piece_id, f"still {piece.state}", heals=world.now <= latest)
    elif piece.reason in DECIDED_LATER:
        return
    elif piece.ended_at is not None and piece.ended_at > latest:
        late_s = piece.ended_at - piece.deadline_at
        yield _breach("ended_late", piece.piece_id, f"{late_s:.0f} s after its deadline")


def _ended_once(world: World, piece: PieceRow, ends: Sequence[RunFact]) -> Iterator[Violation]:
    if len(ends) > 1:
        told = ", ".join(sorted(f"{fact.fact} of run {fact.run}" for fact in ends))
        yield _breach("ended_twice", piece.piece_id, told)
    if piece.state in ENDED and not ends and not world.facts_lost:
        yield _breach("end_untold", piece.piece_id, f"no fact says {piece.state}", heals=True)
    reason = piece.reason if piece.state != "persisted" else None
    for fact in ends:
        if TERMINAL[fact.fact] != piece.state or fact.run != piece.run:
            detail = f"{fact.fact} of run {fact.run}, on record {piece.state} of run {piece.run}"
            yield _breach("end_differs", piece.piece_id, detail)
        elif fact.message.body.get("reason") != reason:
            yield _breach("reason_differs", piece.piece_id, f"on record {reason}")


def _whole_way(world: World, piece: PieceRow, facts: Sequence[RunFact]) -> Iterator[Violation]:
    if not any(fact.fact == "content.requested" for fact in facts) and not world.facts_lost:
        yield _breach("never_requested", piece.piece_id, "no content.requested", heals=True)
    told_at: list[float] = []
    for name in _way(piece):
        found = [fact.at for fact in facts if fact.run == piece.run and fact.fact == name]
        told_at += found[:1]
        if len(found) > 1 or (not found and not world.facts_lost):
            detail = f"{len(found)} facts {name} in run {piece.run}"
            yield _breach("way_broken", piece.piece_id, detail, heals=not found)
    if told_at != sorted(told_at) and not world.facts_lost:
        yield _breach("way_out_of_order", piece.piece_id, f"in run {piece.run}")


def _way(piece: PieceRow) -> Sequence[str]:
    if piece.state == "persisted" and piece.held_run is not None:
        return WAY_AFTER_REVIEW
    return WAYS.get(piece.state, ())


def _belongs(world: World, fact: RunFact) -> Iterator[Violation]:
    """A fact tells of a piece on record, in a run that was requested."""
    piece = world.pieces.get(fact.piece_id)
    if piece is None or piece.task_id != fact.task_id:
        task = world.tasks.get(fact.task_id)
        if task is None or task.avatar_exists:
            yield _breach("unknown_piece", fact.place, "no such piece was accepted")
    elif fact.run > piece.run:
        yield _breach("unknown_run", fact.place, f"the books know {piece.run} runs")
    elif not world.facts_lost and not any(
        other.fact in BEGINNINGS and other.run == fact.run
        for other in world.facts_of[fact.piece_id]
    ):
        # A piece may end before its request has left the outbox.
        heals = fact.fact in TERMINAL
        yield _breach("unknown_run", fact.place, "nobody requested this run", heals=heals)


def _stuck(world: World) -> Iterator[Violation]:
    for row in world.books.outbox:
        age_s = world.now - row.created_at
        yield _breach("outbox", f"{row.fact} {row.row_id}", f"unsent for {age_s:.0f} s", heals=True)
    for queue in world.streams.queues:
        if queue.waiting or queue.unsettled:
            detail = f"{queue.waiting} waiting, {queue.unsettled} unsettled"
            yield _breach("queue", f"{queue.stream}/{queue.durable}", detail, heals=True)
    for letter in world.streams.dead_letters:
        detail = f"{letter.body.get('reason')}: {letter.body.get('detail')}"
        yield _breach("put_aside", str(letter.body.get("subject")), detail[:200])

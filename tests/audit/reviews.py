"""I3, as far as people go: what waited for review got out by their decision, or not at all."""

from collections.abc import Iterator

from tests.audit.report import Violation
from tests.audit.rows import PieceRow
from tests.audit.world import World

NAME = "I3"
SYSTEM = "system"
BY_PEOPLE = "review_rejected"
BY_TIME = "review_expired"


def violations(world: World) -> Iterator[Violation]:
    """Every piece that left review in another way than its decisions say."""
    for piece in world.books.pieces:
        if piece.held_run is None:
            continue
        if piece.state == "persisted":
            yield from _delivered(world, piece)
        if piece.reason in {BY_PEOPLE, BY_TIME}:
            yield from _rejected(world, piece)
    for fact in world.run_facts:
        if fact.fact == "review.approved":
            piece_row = world.pieces.get(fact.piece_id)
            if piece_row is not None and not _agreed(world, piece_row):
                yield _breach("review_skipped", fact.place, "told before enough people agreed")


def _breach(code: str, subject: str, detail: str) -> Violation:
    return Violation(NAME, code, subject, detail)


def _approvers(world: World, piece: PieceRow) -> frozenset[str]:
    return frozenset(
        row.by
        for row in world.decisions_of.get(piece.piece_id, ())
        if row.decision == "approve" and row.run == piece.held_run and row.by != SYSTEM
    )


def _agreed(world: World, piece: PieceRow) -> bool:
    needed = int((piece.held_verdict or {}).get("approvals_needed", 1))
    return len(_approvers(world, piece)) >= needed


def _delivered(world: World, piece: PieceRow) -> Iterator[Violation]:
    held = piece.held_verdict or {}
    if held.get("blocked") is not None:
        yield _breach("block_overruled", piece.piece_id, f"{held['blocked']} was let out")
    if not _agreed(world, piece):
        count = len(_approvers(world, piece))
        yield _breach("review_skipped", piece.piece_id, f"delivered with {count} approvals")
    if any(row.decision == "reject" for row in world.decisions_of.get(piece.piece_id, ())):
        yield _breach("rejection_overruled", piece.piece_id, "rejected, and delivered")
    if piece.verdict_decision != "approved":
        detail = f"delivered under a verdict that says {piece.verdict_decision}"
        yield _breach("review_skipped", piece.piece_id, detail)
    named = set((piece.verdict or {}).get("reviewers", ()))
    if piece.verdict is not None and named != _approvers(world, piece):
        yield _breach("reviewers_differ", piece.piece_id, "its verdict names other people")


def _rejected(world: World, piece: PieceRow) -> Iterator[Violation]:
    by = {
        row.by
        for row in world.decisions_of.get(piece.piece_id, ())
        if row.decision == "reject" and row.run == piece.held_run
    }
    expected = by - {SYSTEM} if piece.reason == BY_PEOPLE else by & {SYSTEM}
    if not expected:
        yield _breach("decision_missing", piece.piece_id, f"{piece.reason}, decided by nobody")

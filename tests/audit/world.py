"""All that was seen of one Atelier at one moment, and ways to look things up in it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from tests.audit.evidence import Evidence, Order
from tests.audit.looks import Look
from tests.audit.objects import ObjectFile, Objects
from tests.audit.rows import AttemptRow, Books, ContentRow, DecisionRow, PieceRow, TaskRow
from tests.audit.shown import ShownTask
from tests.audit.streams import FactMessage, Streams

K = TypeVar("K")
V = TypeVar("V")

UNDER_WAY = frozenset({"requested", "generated", "hooked", "moderated"})
ENDED = frozenset({"persisted", "rejected", "failed"})
HELD = "pending_review"
ALLOWING = frozenset({"approved", "skipped"})
"""Decisions of a verdict that let the judged bytes out."""
BEGINNINGS = frozenset({"content.requested", "review.approved"})
"""Facts with which a run begins."""

TERMINAL = {f"content.{state}": state for state in sorted(ENDED)}
"""Facts that end a piece, and the state that goes with each."""

OF_A_RUN = frozenset(
    {
        *("content.requested", "image.generated", "content.hooked", "content.moderated"),
        *("content.stored", "review.approved", "content.halted", *TERMINAL),
    }
)
"""Facts whose subjects end with task, piece and run."""


@dataclass(frozen=True, slots=True)
class Grace:
    """How much time is forgiven, in seconds.

    `late_s`: from a piece's deadline to its end; the sweeper comes a minute after the deadline,
    every ten seconds. `lease_s`: from the end of a lease to the end of its attempt on record.
    `clocks_s`: between the clocks of the broker, the database and the file system. `withdrawal_s`:
    from taking a piece down to the last moment at which somebody can still read it.
    """

    late_s: float = 90.0
    lease_s: float = 30.0
    clocks_s: float = 0.05
    withdrawal_s: float = 30.0


@dataclass(frozen=True, slots=True)
class RunFact:
    """A fact about one run of a piece."""

    fact: str
    task_id: str
    piece_id: str
    run: int
    message: FactMessage

    @property
    def at(self) -> float:
        """When the broker took it in."""
        return self.message.at

    def part(self, name: str) -> Mapping[str, Any]:
        """A member of the body that is an object; empty where it is not there."""
        part = self.message.body.get(name)
        return part if isinstance(part, dict) else {}

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return f"{self.fact} {self.piece_id}/{self.run}"


@dataclass(frozen=True)
class World:
    """Everything seen. `facts_lost`: the broker's store was deleted during the run.

    `verdict_keys` are the public keys whose verdicts count, in hex; None where nobody has told.
    `given` is what the images show that the provider says it gave, by sha256.
    """

    evidence: Evidence
    books: Books = field(default_factory=Books)
    streams: Streams = field(default_factory=Streams)
    objects: Objects = ()
    shown: tuple[ShownTask, ...] = ()
    now: float = 0.0
    grace: Grace = Grace()
    facts_lost: bool = False
    verdict_keys: tuple[str, ...] | None = None
    given: Mapping[str, Look] = field(default_factory=dict)

    @cached_property
    def accepted(self) -> Mapping[str, Order]:
        """The orders that were promised, by task; of repeated answers the first."""
        found: dict[str, Order] = {}
        for order in self.evidence.orders:
            if order.accepted and order.task_id is not None:
                found.setdefault(order.task_id, order)
        return found

    @cached_property
    def tasks(self) -> Mapping[str, TaskRow]:
        """Rows of tasks by id."""
        return {task.task_id: task for task in self.books.tasks}

    @cached_property
    def pieces(self) -> Mapping[str, PieceRow]:
        """Rows of pieces by id."""
        return {piece.piece_id: piece for piece in self.books.pieces}

    @cached_property
    def contents(self) -> Mapping[str, ContentRow]:
        """Rows of delivered content by id, which is the piece's."""
        return {content.content_id: content for content in self.books.contents}

    @cached_property
    def attempts(self) -> Mapping[str, AttemptRow]:
        """Rows of provider calls by id."""
        return {attempt.attempt_id: attempt for attempt in self.books.attempts}

    @cached_property
    def pieces_of(self) -> Mapping[str, tuple[PieceRow, ...]]:
        """Rows of pieces by task."""
        return _grouped((piece.task_id, piece) for piece in self.books.pieces)

    @cached_property
    def attempts_of(self) -> Mapping[str, tuple[AttemptRow, ...]]:
        """Rows of provider calls by piece, in the order in which they were opened."""
        rows = sorted(self.books.attempts, key=lambda row: (row.opened_at, row.number))
        return _grouped((row.piece_id, row) for row in rows)

    @cached_property
    def decisions_of(self) -> Mapping[str, tuple[DecisionRow, ...]]:
        """Decisions of reviewers by piece, in their order."""
        return _grouped((row.piece_id, row) for row in self.books.decisions)

    @cached_property
    def run_facts(self) -> tuple[RunFact, ...]:
        """Every fact about a run of a piece, in every stream."""
        found = (_run_fact(message) for message in self.streams.facts if message.fact in OF_A_RUN)
        return tuple(each for each in found if each is not None)

    @cached_property
    def facts_of(self) -> Mapping[str, tuple[RunFact, ...]]:
        """Facts about runs by piece."""
        return _grouped((fact.piece_id, fact) for fact in self.run_facts)

    @cached_property
    def completions(self) -> Mapping[str, tuple[FactMessage, ...]]:
        """Messages of task.completed by task."""
        return _grouped((each.tokens[-1], each) for each in self.messages("task.completed"))

    @cached_property
    def settlements(self) -> Mapping[str, int]:
        """How many messages attempt.settled there are, by attempt."""
        return Counter(each.tokens[-1] for each in self.messages("attempt.settled"))

    @cached_property
    def image_of(self) -> Mapping[tuple[str, int], str]:
        """The hash that begins a run, by piece and run: of a new image, or of an approved one."""
        return {
            (fact.piece_id, fact.run): str(fact.part("image").get("sha256"))
            for fact in self.run_facts
            if fact.fact in {"image.generated", "review.approved"}
        }

    @cached_property
    def files(self) -> Mapping[tuple[str, str], ObjectFile]:
        """Files by area and key."""
        return {(file.area, file.key): file for file in self.objects}

    @cached_property
    def looks(self) -> Mapping[str, Look]:
        """What bytes with a sha256 show, as far as somebody still has them."""
        looks = {file.sha256: file.picture.look for file in self.objects}
        return {name: look for name, look in looks.items() if look is not None} | dict(self.given)

    @cached_property
    def shas_of(self) -> Mapping[str, frozenset[str]]:
        """Hashes of the files with a key, in whatever area."""
        pairs = _grouped((file.key, file.sha256) for file in self.objects)
        return {key: frozenset(shas) for key, shas in pairs.items()}

    @cached_property
    def shown_tasks(self) -> Mapping[str, ShownTask]:
        """What the door shows, by task."""
        return {task.task_id: task for task in self.shown}

    @cached_property
    def history(self) -> frozenset[tuple[str, int, str]]:
        """Piece, run and fact of every line of history."""
        return frozenset((row.piece_id, row.run, row.fact) for row in self.books.history)

    @cached_property
    def is_idle(self) -> bool:
        """Whether no queue, no outbox and no provider call holds any work."""
        queued = any(queue.waiting or queue.unsettled for queue in self.streams.queues)
        calling = any(row.outcome == "open" for row in self.books.attempts)
        return not (queued or calling or self.books.outbox)

    def messages(self, fact: str) -> tuple[FactMessage, ...]:
        """Every message of one kind."""
        return self._by_kind.get(fact, ())

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[FactMessage, ...]]:
        return _grouped((message.fact, message) for message in self.streams.facts)


def is_held_now(piece: PieceRow) -> bool:
    """Whether its files still lie in review: it waits there, or was approved a moment ago."""
    return bool(piece.held) and piece.state not in ENDED


def _run_fact(message: FactMessage) -> RunFact | None:
    """None for a subject that no fact of ours has."""
    *_, task_id, piece_id, run = ("", "", *message.tokens)
    if not run.isdecimal():
        return None
    return RunFact(message.fact, task_id, piece_id, int(run), message)


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, tuple[V, ...]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return {key: tuple(values) for key, values in groups.items()}

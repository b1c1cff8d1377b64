"""What the ledger's handlers need: books that are kept, and a broker that can be looked into."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.calls import AcceptTask, TaskView
from shared.content import BlobRef, Generation, Lane
from shared.events import ContentHalted, ContentRequested, Fact


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a piece, for its history."""

    tenant: str
    task_id: str
    piece_id: str
    avatar_id: str
    run: int
    fact: str
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """A step lies behind a piece. `reached` is its rank; the image is told by its generation."""

    happening: Happening
    reached: int
    image: BlobRef | None = None
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class Stalled:
    """A piece that nothing has been heard of for a while, as it was seen."""

    tenant: str
    task_id: str
    piece_id: str
    run: int
    lane: Lane
    progressed_at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """What a look into the outbox found: rows taken, those of them written, and if more wait."""

    taken: int
    written: int
    more: bool


class TaskBook(Protocol):
    """Where tasks are accepted."""

    async def accept(self, request: AcceptTask, requested: Sequence[ContentRequested]) -> TaskView:
        """Record task, pieces and their first facts in one go, once. Raises Problem, TryLater."""
        ...


class HaltBook(Protocol):
    """Where pieces end that cannot go on, each once."""

    async def halt(self, event: ContentHalted) -> None:
        """End a piece that cannot go on. Raises TryLater."""
        ...


class Outbox(Protocol):
    """Facts that are decided and wait to be published."""

    async def publish_fresh(self, write: Callable[[Fact], Awaitable[object]]) -> None:
        """Write what this process has just committed. Raises TryLater."""
        ...

    async def forget_published(self) -> None:
        """Forget what `publish_fresh` has written. Raises TryLater."""
        ...

    async def publish_some(
        self, write: Callable[[Fact], Awaitable[object]], *, older_than_s: float
    ) -> Published:
        """Take the oldest that nobody else holds, write them, forget those. Raises TryLater."""
        ...


class OverdueBook(Protocol):
    """Where pieces are found that nobody may be working on."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether we are the one replica that sweeps, for as long as the block lasts."""
        ...

    async def end_overdue(self, *, grace_s: float) -> int:
        """End pieces whose deadline passed `grace_s` ago; how many. Raises TryLater."""
        ...

    async def forget_lost_calls(self) -> int:
        """Record as unknown what settled pieces left open; how many. Raises TryLater."""
        ...

    async def stalled(self, *, quiet_s: float) -> Sequence[Stalled]:
        """Some pieces without progress for `quiet_s`. Raises TryLater."""
        ...

    async def request_again(self, piece: Stalled) -> bool:
        """Begin the next run, unless the piece has moved since. Raises TryLater."""
        ...


class ReviewBook(Protocol):
    """Where held pieces are found that nobody has decided about."""

    async def reject_expired(self) -> int:
        """Reject some that were held for too long; how many. Raises TryLater."""
        ...


class KeyBook(Protocol):
    """Where keys are kept that clients chose, for as long as was promised."""

    async def forget_old(self) -> None:
        """Delete what is kept no longer. Raises TryLater."""
        ...


class TakeDownBook(Protocol):
    """Where takedowns are kept whose files may still be there."""

    async def remind(self, *, after: tuple[datetime, str] | None) -> tuple[datetime, str] | None:
        """Have files of some of them deleted again; the place to go on, None at the end.

        Raises TryLater.
        """
        ...


class Stores(Protocol):
    """Where orders leave their traces: streams, and the store of objects."""

    async def full(self) -> Sequence[str]:
        """Names of those that are too full to begin more work. Raises TryLater."""
        ...


class Queues(Protocol):
    """The broker's queues, looked at from outside."""

    async def hold(self, piece: Stalled) -> bool:
        """Whether a fact about this run of the piece still waits for its step. Raises TryLater."""
        ...

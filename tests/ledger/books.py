"""The ledger's books as tests use them: everything of one process, and short ways to fill them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from services.ledger.adapters.attempt_list import AttemptList
from services.ledger.adapters.attempts import Attempts
from services.ledger.adapters.avatars import Avatars
from services.ledger.adapters.database import Database
from services.ledger.adapters.deletion import Deletion
from services.ledger.adapters.deliveries import Deliveries
from services.ledger.adapters.expired_reviews import ExpiredReviews
from services.ledger.adapters.freezing import Freezes
from services.ledger.adapters.halts import Halts
from services.ledger.adapters.images import Images
from services.ledger.adapters.keys import Keys
from services.ledger.adapters.moderation_log import ModerationLog
from services.ledger.adapters.notes import Notes
from services.ledger.adapters.outbox import PostgresOutbox
from services.ledger.adapters.overdue import Overdue
from services.ledger.adapters.pieces import Pieces
from services.ledger.adapters.provider_records import ProviderRecords
from services.ledger.adapters.reconciling import Reconciling
from services.ledger.adapters.reports import Reports
from services.ledger.adapters.reviews import Reviews
from services.ledger.adapters.settlements import Settlements
from services.ledger.adapters.substitutes import Substitutes
from services.ledger.adapters.takedowns import TakeDowns
from services.ledger.adapters.tasks import Tasks
from services.ledger.handler.accepting import AcceptTasks
from services.ledger.handler.room import Room
from shared.calls import (
    AcceptTask,
    AttemptAnswer,
    Avatar,
    AvatarFields,
    CreateAvatar,
    OpenAttempt,
    PieceDetail,
    PieceRef,
    TaskRef,
    TaskView,
)
from shared.content import Lane, Platform
from shared.events import (
    FACTS,
    AttemptSettled,
    ContentHalted,
    ContentRequested,
    ContentStored,
    Fact,
)
from shared.outcomes import TryLater
from tests.builders import brief, content_halted, content_stored, delivery
from tests.ledger.facts import FactsInMemory
from tests.verdict_keys import KEYS, SIGNER

TENANT = "default"
RETENTION = timedelta(days=30)
KINDS = {fact.NAME: fact for fact in FACTS}


@dataclass(frozen=True)
class Endings:
    """Ends of pieces, one at a time."""

    deliveries: Deliveries
    halts: Halts

    async def deliver(self, event: ContentStored) -> None:
        await self.deliveries.deliver([event])

    async def halt(self, event: ContentHalted) -> None:
        await self.halts.halt(event)


@dataclass(frozen=True)
class OneByOne:
    """Calls and settlements, each in a go of its own."""

    attempts: Attempts
    settlements: Settlements

    async def open(self, request: OpenAttempt) -> AttemptAnswer:
        return (await self.attempts.open([request]))[0]

    async def settle(self, event: AttemptSettled) -> None:
        await self.settlements.settle([event])


@dataclass
class FakeStores:
    """Stores that are as full as a test says."""

    names: tuple[str, ...] = ()
    away: bool = False

    async def full(self) -> tuple[str, ...]:
        if self.away:
            raise TryLater("nobody tells")
        return self.names


class Books:
    """All books of one ledger process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = Keys(database)
        self.avatars = Avatars(database)
        self.tasks = Tasks(database)
        self.stores = FakeStores()
        self.room = Room(self.stores)
        self.accept_task = AcceptTasks(self.tasks, self.room)
        self.pieces = Pieces(database)
        self.facts = FactsInMemory()
        self.attempts = Attempts(database, self.facts)
        self.attempt_list = AttemptList(database)
        self.settlements = Settlements(database)
        self.reconciling = Reconciling(database)
        self.provider_records = ProviderRecords(database)
        self.substitutes = Substitutes(database)
        self.calls = OneByOne(self.attempts, self.settlements)
        self.deliveries = Deliveries(database, KEYS)
        self.endings = Endings(self.deliveries, Halts(database, KEYS))
        self.notes = Notes(database)
        self.overdue = Overdue(database)
        self.outbox = PostgresOutbox(database)
        self.deletion = Deletion(database)
        self.reports = Reports(database)
        self.reviews = Reviews(database, RETENTION)
        self.expired = ExpiredReviews(database, RETENTION)
        self.freezes = Freezes(database)
        self.takedowns = TakeDowns(database)
        self.images = Images(database)
        self.moderation_log = ModerationLog(database)

    async def avatar(self, avatar_id: str | None = None, **fields: object) -> Avatar:
        """A new avatar with weights."""
        given = AvatarFields.model_validate(
            {"name": "Ada", "lora_weights_url": f"loras/{uuid4()}.safetensors"} | fields
        )
        request = CreateAvatar(tenant=TENANT, avatar_id=avatar_id or str(uuid4()), fields=given)
        return await self.avatars.create(request)

    async def accepted(self, count: int = 1, **overrides: object) -> list[ContentRequested]:
        """A new task of a new avatar, as the facts that ask for its pieces."""
        avatar = overrides.pop("avatar", None) or await self.avatar()
        assert isinstance(avatar, Avatar)
        request = accept_task(avatar.id, count, **overrides)
        await self.accept_task(request)
        facts = [fact for fact in await self.waiting() if isinstance(fact, ContentRequested)]
        mine = [fact for fact in facts if fact.task_id == request.task_id]
        assert len(mine) == count
        return mine

    async def waiting(self, kind: type[Fact] | None = None) -> list[Any]:
        """The facts in the outbox, oldest first."""
        rows = await self.sql("SELECT fact, body FROM outbox ORDER BY id")
        facts = [KINDS[row.fact].model_validate(row.body) for row in rows]
        return [fact for fact in facts if kind is None or isinstance(fact, kind)]

    async def task(self, task_id: str) -> TaskView:
        return await self.tasks.get(TaskRef(tenant=TENANT, task_id=task_id))

    async def piece(self, piece_id: str) -> PieceDetail:
        return await self.pieces.get(PieceRef(tenant=TENANT, piece_id=piece_id))

    async def open_attempt(self, piece: ContentRequested, **overrides: Any) -> AttemptAnswer:
        return await self.calls.open(open_attempt(piece, **overrides))

    async def sql(self, statement: str, **parameters: object) -> Sequence[Any]:
        """Run SQL as anybody with a psql would."""
        async with self.database.engine.begin() as connection:
            result = await connection.execute(text(statement), parameters)
            return result.all() if result.returns_rows else []


async def is_held_up(books: Books) -> bool:
    """Whether somebody waits for what another transaction holds."""
    waiting = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    return bool(await books.sql(waiting))


def accept_task(avatar_id: str, count: int = 1, **overrides: object) -> AcceptTask:
    now = datetime.now(UTC)
    given: dict[str, object] = {
        "tenant": TENANT,
        "task_id": str(uuid4()),
        "lane": Lane.BULK,
        "kind": "batch",
        "avatar_id": avatar_id,
        "platform": Platform.INSTAGRAM,
        "config": {"num_pieces": count},
        "accepted_at": now,
        "deadline_at": now + timedelta(minutes=15),
        "briefs": tuple(brief(avatar_id=avatar_id, seed=index) for index in range(count)),
    }
    return AcceptTask.model_validate(given | overrides)


def open_attempt(piece: ContentRequested, **overrides: object) -> OpenAttempt:
    given: dict[str, object] = {
        "tenant": piece.tenant,
        "attempt_id": str(uuid4()),
        "task_id": piece.task_id,
        "piece_id": piece.piece_id,
        "run": piece.run,
        "provider": "preview",
        "holder": "host/1/a",
        "lease_s": 60,
    }
    return OpenAttempt.model_validate(given | overrides)


def whose(piece: ContentRequested) -> dict[str, object]:
    """The fields of a fact that say which piece it is about."""
    names = ("tenant", "task_id", "piece_id", "run", "accepted_at", "deadline_at", "brief")
    return {name: getattr(piece, name) for name in names}


def stored(piece: ContentRequested, **overrides: Any) -> ContentStored:
    """The delivery of a piece, under keys of its own run."""
    key = f"content/{piece.brief.avatar_id}/{piece.piece_id}_{piece.run}"
    files = delivery(
        object_key=f"{key}.png",
        thumbnail_key=f"{key}_thumb.jpg",
        url=f"http://localhost:8080/objects/{key}.png",
        **overrides.pop("delivery", {}),
    )
    return content_stored(**(whose(piece) | {"delivery": files} | overrides))


def halted(piece: ContentRequested, **overrides: Any) -> ContentHalted:
    """A halt of the piece; its verdict, if it has one, is signed as safety would."""
    event = content_halted(**(whose(piece) | overrides))
    if event.verdict is None:
        return event
    return event.model_copy(update={"verdict": SIGNER.sign(event, event.verdict)})

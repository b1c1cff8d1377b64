"""Composition root of the ledger."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from services.ledger.adapters.attempt_list import AttemptList
from services.ledger.adapters.attempts import Attempts
from services.ledger.adapters.avatars import Avatars
from services.ledger.adapters.database import Database
from services.ledger.adapters.deletion import Deletion
from services.ledger.adapters.deliveries import Deliveries
from services.ledger.adapters.expired_reviews import ExpiredReviews
from services.ledger.adapters.files import Files
from services.ledger.adapters.freezing import Freezes
from services.ledger.adapters.halts import Halts
from services.ledger.adapters.images import Images
from services.ledger.adapters.keys import Keys
from services.ledger.adapters.migrator import is_current
from services.ledger.adapters.moderation_log import ModerationLog
from services.ledger.adapters.notes import Notes
from services.ledger.adapters.order_keys import OrderKeys
from services.ledger.adapters.outbox import PostgresOutbox
from services.ledger.adapters.overdue import Overdue
from services.ledger.adapters.pieces import Pieces
from services.ledger.adapters.provider_records import ProviderRecords
from services.ledger.adapters.queues import JetStreamQueues
from services.ledger.adapters.reconciling import Reconciling
from services.ledger.adapters.reports import Reports
from services.ledger.adapters.request_keys import RequestKeys
from services.ledger.adapters.reviews import Reviews
from services.ledger.adapters.settlements import Settlements
from services.ledger.adapters.stores import WatchedStores
from services.ledger.adapters.substitutes import Substitutes
from services.ledger.adapters.takedowns import TakeDowns
from services.ledger.adapters.tasks import Tasks
from services.ledger.adapters.uploads import Uploads
from services.ledger.adapters.vendor_errors import AccessRefused
from services.ledger.handler.accepting import AcceptTasks
from services.ledger.handler.attempts import RecordAttempts
from services.ledger.handler.endings import EndHaltedPieces, PersistPieces
from services.ledger.handler.forgetting import ForgetOldKeys
from services.ledger.handler.notes import NoteGenerated, NoteHooked, NoteModerated
from services.ledger.handler.relay import ForgetPublished, RelayFresh, RelayLeft
from services.ledger.handler.reminding import RemindOfTakedowns
from services.ledger.handler.room import Room
from services.ledger.handler.sweep import SweepPieces
from services.ledger.settings import LedgerSettings
from shared import calls
from shared.outcomes import TryLater
from shared.rounds import Rounds
from shared.service import STAGING, Service, open_service
from shared.settings import fail_misconfigured
from shared.signing import VerdictKeys
from shared.together import Together, told_nothing
from shared.topology import (
    END_HALTED,
    NOTE_GENERATED,
    NOTE_HOOKED,
    NOTE_MODERATED,
    PERSIST,
    RECORD_ATTEMPT,
)

_MANY_PERMITS = 100
"""Of stages and calls whose matters are written down together, in one transaction."""

_LINGER_S = 0.2
"""Before records that no piece waits for are written, so that more of them go together."""
_REST_S = 0.05
"""At most, between transactions that pieces wait for and hold a place meanwhile."""
_LAST_REST_S = 0.25
"""The same for the last one of a piece, which holds nothing that others wait for."""
_FORGET_PUBLISHED_EVERY_S = 0.5
_LEFT_AFTER_S = 2.0
"""Who committed a fact publishes it and forgets its row sooner, or not at all."""
_RELAY_LEFT_EVERY_S = 0.5
_LOOK_FOR_ROOM_EVERY_S = 2.0
_ASK_LIMIT_S = 2.0
_START_LIMIT_S = 60.0
_FORGET_EVERY_S = 3600.0
_REMIND_EVERY_S = 120.0


def assemble(
    service: Service, database: Database, settings: LedgerSettings, keys: VerdictKeys
) -> None:
    """Answer every call, write down every fact, relay and sweep."""
    room = Room(_stores(service))
    retention = timedelta(days=settings.review_retention_days)
    _answer_calls(service, database, room)
    _answer_afterwards(service, database)
    _answer_about_providers(service, database)
    _answer_moderation(service, database, retention)
    _carry_stages(service, database, keys, permits=settings.ledger_concurrency)
    outbox = PostgresOutbox(database)
    relay = Rounds(
        "relay",
        RelayFresh(outbox, service.facts),
        every_s=_LEFT_AFTER_S,
        wake=database.outbox_filled,
        last_round=True,
    )
    forget_published = Rounds(
        "published",
        ForgetPublished(outbox),
        every_s=_FORGET_PUBLISHED_EVERY_S,
        last_round=True,
    )
    leftovers = Rounds(
        "leftovers",
        RelayLeft(outbox, service.facts, older_than_s=_LEFT_AFTER_S),
        every_s=_RELAY_LEFT_EVERY_S,
    )
    sweep = SweepPieces(
        Overdue(database),
        ExpiredReviews(database, retention),
        JetStreamQueues(service.js, service.topology),
        grace_s=settings.sweep_grace_seconds,
        quiet_s=settings.stall_seconds,
    )
    sweeper = Rounds("sweeper", sweep, every_s=settings.sweep_interval_seconds)
    forget = ForgetOldKeys(OrderKeys(database), RequestKeys(database))
    forgetting = Rounds("old keys", forget, every_s=_FORGET_EVERY_S)
    remind = RemindOfTakedowns(TakeDowns(database))
    reminding = Rounds("takedowns", remind, every_s=_REMIND_EVERY_S)
    watching = Rounds("room", room, every_s=_LOOK_FOR_ROOM_EVERY_S)
    for rounds in (
        watching,
        sweeper,
        forgetting,
        reminding,
        leftovers,
        relay,
        forget_published,
    ):
        service.on_start(rounds.start)
        service.on_stop(rounds.stop)


def _stores(service: Service) -> WatchedStores:
    async def ask_storage() -> calls.ComponentHealth:
        return await service.call(calls.STORAGE_HEALTH, calls.Nothing(), timeout_s=_ASK_LIMIT_S)

    return WatchedStores(service.js, service.topology, staging=STAGING, ask_storage=ask_storage)


def _answer_calls(service: Service, database: Database, room: Room) -> None:
    avatars, tasks, pieces = Avatars(database), Tasks(database), Pieces(database)
    attempts, reports = Attempts(database, service.facts), Reports(database)
    keys = Keys(database)
    service.answer(calls.FIND_KEY, keys.find)
    service.answer(calls.ISSUE_KEY, keys.add)
    service.answer(calls.LIST_KEYS, keys.list)
    service.answer(calls.REVOKE_KEY, keys.revoke)
    service.answer(calls.CREATE_AVATAR, avatars.create)
    service.answer(calls.GET_AVATAR, avatars.get)
    service.answer(calls.LIST_AVATARS, avatars.list)
    service.answer(calls.CHANGE_AVATAR, avatars.change)
    service.answer(calls.DELETE_AVATAR, Deletion(database).delete_avatar)
    service.answer(calls.ACCEPT_TASK, AcceptTasks(tasks, room))
    service.answer(calls.FIND_ORDER, tasks.find_order)
    service.answer(calls.GET_TASK, tasks.get)
    service.answer(calls.CANCEL_TASK, tasks.cancel)
    service.answer(calls.GET_PIECE, pieces.get)
    service.answer(calls.LIST_PIECES, pieces.list)
    service.answer(calls.FIND_ENDED, pieces.ended)
    service.answer(calls.FIND_UNOWNED, Files(database).unowned)
    service.answer(calls.PUBLISH_PIECE, pieces.publish)
    service.answer(calls.GET_STATS, reports.stats)
    service.answer(calls.LEDGER_HEALTH, reports.health)
    service.answer(
        calls.OPEN_ATTEMPT, Together(attempts.open, rest_s=_REST_S), workers=_MANY_PERMITS
    )
    service.answer(calls.NOTE_CALL, attempts.note_call)


def _answer_afterwards(service: Service, database: Database) -> None:
    uploads, requests = Uploads(database), RequestKeys(database)
    service.answer(calls.GET_RECEIPT, uploads.receipt)
    service.answer(calls.RECORD_UPLOAD, uploads.record)
    service.answer(calls.CLAIM_REQUEST, requests.claim)
    service.answer(calls.COMPLETE_REQUEST, requests.complete)
    service.answer(calls.RELEASE_REQUEST, requests.release)


def _answer_about_providers(service: Service, database: Database) -> None:
    service.answer(calls.PROVIDER_RECORDS, ProviderRecords(database).last_hour)
    service.answer(calls.LIST_ATTEMPTS, AttemptList(database).list)
    service.answer(calls.RECONCILE_ATTEMPT, Reconciling(database).reconcile)
    service.answer(calls.FIND_SUBSTITUTE, Substitutes(database).find)


def _answer_moderation(service: Service, database: Database, retention: timedelta) -> None:
    reviews = Reviews(database, retention)
    service.answer(calls.LIST_REVIEWS, reviews.list)
    service.answer(calls.GET_REVIEW, reviews.get)
    service.answer(calls.DECIDE_REVIEW, reviews.decide)
    service.answer(calls.UNFREEZE_AVATAR, Freezes(database).unfreeze)
    service.answer(calls.TAKE_DOWN_PIECE, TakeDowns(database).take_down)
    service.answer(calls.LIST_ACTIONS, ModerationLog(database).list)
    match = Together(Images(database).match, rest_s=_REST_S)
    service.answer(calls.MATCH_IMAGE, match, workers=_MANY_PERMITS)


def _carry_stages(service: Service, database: Database, keys: VerdictKeys, *, permits: int) -> None:
    deliver = Together(told_nothing(Deliveries(database, keys).deliver), rest_s=_LAST_REST_S)
    note = Together(told_nothing(Notes(database).note), linger_s=_LINGER_S)
    settle = Together(told_nothing(Settlements(database).settle), linger_s=_LINGER_S)
    service.stage(PERSIST, PersistPieces(deliver), permits=_MANY_PERMITS)
    service.stage(END_HALTED, EndHaltedPieces(Halts(database, keys)), permits=permits)
    service.stage(RECORD_ATTEMPT, RecordAttempts(settle), permits=_MANY_PERMITS)
    service.stage(NOTE_GENERATED, NoteGenerated(note), permits=_MANY_PERMITS)
    service.stage(NOTE_HOOKED, NoteHooked(note), permits=_MANY_PERMITS)
    service.stage(NOTE_MODERATED, NoteModerated(note), permits=_MANY_PERMITS)


@asynccontextmanager
async def open_app(settings: LedgerSettings) -> AsyncIterator[Service]:
    """Everything the ledger needs, opened and assembled."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        service = await stack.enter_async_context(open_service("ledger", settings))
        assemble(service, database, settings, VerdictKeys(settings.verdict_public_keys))
        yield service


@asynccontextmanager
async def open_database(settings: LedgerSettings) -> AsyncIterator[Database]:
    """The database, once it answers and has its tables; exits where that needs a person."""
    database = Database.at(settings.url, settings.pool)
    try:
        await _wait_until_usable(database)
        yield database
    finally:
        await database.close()


async def _wait_until_usable(database: Database) -> None:
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + _START_LIMIT_S
    while True:
        try:
            if await is_current(database.engine):
                return
            hint = "its tables are missing or old; run `python -m services.ledger migrate`"
            raise fail_misconfigured("DATABASE_URL", hint)
        except AccessRefused as exc:
            raise fail_misconfigured("DATABASE_URL", str(exc)) from exc
        except TryLater as exc:
            if loop.time() > give_up_at:
                raise SystemExit(f"DATABASE_URL: no database answers: {exc.detail}") from exc
        await asyncio.sleep(0.5)

"""The whole ledger on a real broker: calls answered, facts taken, facts published once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from nats.js import JetStreamContext
from pydantic import SecretStr

from deploy.local.nats import EmbeddedNats
from services.ledger.adapters.database import Database
from services.ledger.adapters.database_url import driver_url
from services.ledger.adapters.queues import JetStreamQueues
from services.ledger.app import assemble
from services.ledger.handler.relay import RelayLeft
from services.ledger.ports import Stalled
from services.ledger.settings import LedgerSettings
from shared.api_keys import PlainKey
from shared.calls import (
    ACCEPT_TASK,
    CANCEL_TASK,
    FIND_KEY,
    FIND_ORDER,
    GET_PIECE,
    GET_TASK,
    ISSUE_KEY,
    LIST_KEYS,
    REVOKE_KEY,
    FindKey,
    FindOrder,
    IssueKey,
    KeyRef,
    ListKeys,
    OrderKey,
    PieceRef,
    Scope,
    TaskRef,
    TaskState,
)
from shared.content import Lane
from shared.events import (
    ContentFailed,
    ContentHalted,
    ContentHooked,
    ContentModerated,
    ContentPersisted,
    ContentRequested,
    ContentStored,
    Fact,
    ImageGenerated,
    TaskCompleted,
)
from shared.factlog import JetStreamFactLog
from shared.problems import Problem
from shared.service import Service, open_service
from shared.topology import GENERATE_BULK, Topology
from tests.builders import content_halted, following
from tests.eventually import eventually
from tests.ledger.books import TENANT, Books, accept_task, stored, whose
from tests.verdict_keys import KEYS, SIGNER


@pytest.fixture
def facts(js: JetStreamContext, provisioned: Topology) -> JetStreamFactLog:
    """The log that the other services would write to."""
    return JetStreamFactLog(js, provisioned, source="/tests")


@pytest.fixture
async def replicas(
    nats_server: EmbeddedNats, provisioned: Topology, dsn: str
) -> AsyncIterator[list[Service]]:
    """Two ledgers on one database."""
    settings = LedgerSettings(
        nats_url=SecretStr(nats_server.url),
        nats_namespace=provisioned.namespace,
        database_url=SecretStr(dsn),
        db_pool_size=3,
        verdict_public_keys=(SIGNER.public_key,),
    )
    async with AsyncExitStack() as stack:
        services = []
        for _ in range(2):
            database = Database.at(driver_url(dsn), settings.pool)
            stack.push_async_callback(database.close)
            service = await stack.enter_async_context(open_service("ledger", settings))
            assemble(service, database, settings, KEYS)
            await service.broker.start()
            await service.start()
            stack.push_async_callback(service.stop)
            services.append(service)
        yield services


async def count(js: JetStreamContext, topology: Topology, fact: type[Fact]) -> int:
    return (await js.stream_info(topology.stream(fact))).state.messages


async def test_accepted_pieces_are_published_once_however_often_the_relay_runs(
    books: Books, js: JetStreamContext, provisioned: Topology, facts: JetStreamFactLog
) -> None:
    pieces = await books.accepted(20)
    await RelayLeft(books.outbox, facts)()
    # As if the relay had died between publishing and forgetting.
    for piece in pieces:
        await books.sql(
            "INSERT INTO outbox (fact, body) VALUES ('content.requested', CAST(:body AS jsonb))",
            body=piece.model_dump_json(),
        )
    await RelayLeft(books.outbox, facts)()
    assert await count(js, provisioned, ContentRequested) == 20
    assert await books.waiting() == []


async def test_a_batch_goes_all_the_way_with_two_ledgers(
    replicas: list[Service],
    books: Books,
    js: JetStreamContext,
    provisioned: Topology,
    facts: JetStreamFactLog,
) -> None:
    avatar = await books.avatar()
    request = accept_task(avatar.id, 12)
    view = await replicas[0].call(ACCEPT_TASK, request)
    assert view.state is TaskState.QUEUED
    await eventually(published(js, provisioned, ContentRequested, 12))
    for row in await books.sql("SELECT id FROM pieces ORDER BY index"):
        piece = await _requested(js, provisioned, request.task_id, row.id)
        for kind in (ImageGenerated, ContentHooked, ContentModerated):
            await facts.write(following(kind, piece))
        await facts.write(stored(piece))
    await eventually(published(js, provisioned, TaskCompleted, 1), 10)
    await eventually(published(js, provisioned, ContentPersisted, 12))
    ref = TaskRef(tenant=TENANT, task_id=request.task_id)
    shown = await replicas[1].call(GET_TASK, ref)
    assert (shown.state, shown.counts.persisted, shown.progress) == (TaskState.COMPLETED, 12, 100)

    async def history_is_complete() -> bool:
        detail = await replicas[1].call(GET_PIECE, PieceRef(tenant=TENANT, piece_id=piece.piece_id))
        return len(detail.timeline) == 6

    await eventually(history_is_complete)
    with pytest.raises(Problem, match="task_already_finished"):
        await replicas[0].call(CANCEL_TASK, ref)


async def test_a_halted_piece_fails_and_its_task_with_it(
    replicas: list[Service],
    books: Books,
    js: JetStreamContext,
    provisioned: Topology,
    facts: JetStreamFactLog,
) -> None:
    (piece,) = await books.accepted()
    await facts.write(content_halted(**whose(piece), reason="providers_exhausted"))
    await eventually(published(js, provisioned, ContentFailed, 1))
    await eventually(published(js, provisioned, TaskCompleted, 1))


async def test_an_unknown_key_is_a_refusal_that_travels(replicas: list[Service]) -> None:
    with pytest.raises(Problem) as refused:
        await replicas[0].call(FIND_KEY, FindKey(key_id="nobody"))
    assert refused.value.details.status == 404


async def test_an_order_by_key_is_found_by_another_ledger(
    replicas: list[Service], books: Books, js: JetStreamContext, provisioned: Topology
) -> None:
    key = OrderKey(key="k", body_sha256="a" * 64)
    avatar = await books.avatar()
    orders = [accept_task(avatar.id, 2, order_key=key) for _ in range(20)]
    views = await asyncio.gather(
        *(replicas[n % 2].call(ACCEPT_TASK, order) for n, order in enumerate(orders))
    )
    assert len({view.task_id for view in views}) == 1
    found = await replicas[1].call(FIND_ORDER, FindOrder(tenant=TENANT, order_key=key))
    assert found.task is not None
    assert found.task.task_id == views[0].task_id
    await eventually(published(js, provisioned, ContentRequested, 2))


async def test_keys_are_issued_found_listed_and_revoked(replicas: list[Service]) -> None:
    ask = replicas[0].call
    plain = PlainKey.new()
    request = IssueKey(
        tenant=TENANT,
        key_id=plain.key_id,
        secret_sha256=plain.secret_sha256,
        name="ci",
        scopes=frozenset({Scope.READ}),
    )
    issued = await ask(ISSUE_KEY, request)
    found = await ask(FIND_KEY, FindKey(key_id=plain.key_id))
    assert found.secret_sha256 == plain.secret_sha256
    assert found.scopes == {Scope.READ}
    assert (await ask(LIST_KEYS, ListKeys(tenant=TENANT))).keys == (issued,)
    revoked = await ask(REVOKE_KEY, KeyRef(tenant=TENANT, key_id=plain.key_id))
    assert revoked.revoked_at is not None
    with pytest.raises(Problem, match="key_not_found"):
        await replicas[1].call(FIND_KEY, FindKey(key_id=plain.key_id))


async def test_queues_hold_a_piece_until_its_step_has_settled_it(
    books: Books, js: JetStreamContext, provisioned: Topology, facts: JetStreamFactLog
) -> None:
    (piece,) = await books.accepted()
    queues = JetStreamQueues(js, provisioned)
    assert not await queues.hold(seen(piece))
    await facts.write(piece)
    assert await queues.hold(seen(piece))
    subscription = await js.pull_subscribe_bind(
        GENERATE_BULK.durable, provisioned.stream(ContentRequested)
    )
    (message,) = await subscription.fetch(1)
    assert await queues.hold(seen(piece))
    await message.ack_sync()
    assert not await queues.hold(seen(piece))
    await facts.write(content_halted(**whose(piece)))
    assert await queues.hold(seen(piece))
    assert await count(js, provisioned, ContentHalted) == 1
    assert await count(js, provisioned, ContentStored) == 0


def seen(piece: ContentRequested) -> Stalled:
    return Stalled(
        tenant=piece.tenant,
        task_id=piece.task_id,
        piece_id=piece.piece_id,
        run=piece.run,
        lane=Lane.BULK,
        progressed_at=datetime.now(UTC),
    )


def published(
    js: JetStreamContext, topology: Topology, fact: type[Fact], number: int
) -> Callable[[], object]:
    """A condition: exactly this many facts of the kind are in their stream."""

    async def holds() -> bool:
        return await count(js, topology, fact) == number

    return holds


async def _requested(
    js: JetStreamContext, topology: Topology, task_id: str, piece_id: str
) -> ContentRequested:
    tokens = ("bulk", TENANT, task_id, piece_id, "1")
    subject = topology.subject_of(ContentRequested, tokens)
    message = await js.get_last_msg(topology.stream(ContentRequested), subject)
    return ContentRequested.model_validate_json(message.data or b"")

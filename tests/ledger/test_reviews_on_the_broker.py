"""Reviews and takedowns with whole ledgers on a real broker: asked by call, told once."""

import asyncio

import pytest
from nats.js import JetStreamContext

from services.ledger.adapters.queues import JetStreamQueues
from services.ledger.handler.relay import RelayLeft
from shared.calls import (
    DECIDE_REVIEW,
    GET_AVATAR,
    GET_REVIEW,
    LIST_ACTIONS,
    LIST_REVIEWS,
    MATCH_IMAGE,
    TAKE_DOWN_PIECE,
    UNFREEZE_AVATAR,
    ListActions,
    ListReviews,
    MatchImage,
    PieceRef,
    Review,
)
from shared.events import (
    ContentPersisted,
    ContentRejected,
    DeliveryWithdrawn,
    ReviewApproved,
    TaskCompleted,
)
from shared.factlog import JetStreamFactLog
from shared.problems import Problem
from shared.service import Service
from shared.topology import SIGN_APPROVAL, Topology
from tests.builders import SHA256, verdict
from tests.eventually import eventually
from tests.ledger.books import TENANT, Books, stored
from tests.ledger.reviewing import WAITING, decision, delivered, held, rejection
from tests.ledger.test_freezing import blocked, ref, unfreeze
from tests.ledger.test_on_the_broker import count, facts, published, replicas, seen
from tests.ledger.test_takedowns import request

__all__ = ["facts", "replicas"]


async def approved_fact(
    js: JetStreamContext, topology: Topology, piece_id: str, task_id: str, run: int = 2
) -> ReviewApproved:
    subject = topology.subject_of(ReviewApproved, (TENANT, task_id, piece_id, str(run)))
    message = await js.get_last_msg(topology.stream(ReviewApproved), subject)
    return ReviewApproved.model_validate_json(message.data or b"")


async def test_a_held_piece_is_listed_decided_and_delivered_by_two_ledgers(
    replicas: list[Service],
    books: Books,
    js: JetStreamContext,
    provisioned: Topology,
    facts: JetStreamFactLog,
) -> None:
    first, second = await books.accepted(2)
    waiting = {"delivery": {"held": True, "public": False}, "verdict": verdict(**WAITING)}
    events = [stored(piece, **waiting) for piece in (first, second)]
    for event in events:
        await facts.write(event)
    await eventually(published(js, provisioned, TaskCompleted, 1))
    page = await replicas[0].call(LIST_REVIEWS, ListReviews(tenant=TENANT))
    assert {each.piece_id for each in page.reviews} == {event.piece_id for event in events}

    going, leaving = events
    results = await asyncio.gather(
        *(each.call(DECIDE_REVIEW, decision(going, by=f"k{n}")) for n, each in enumerate(replicas)),
        replicas[0].call(DECIDE_REVIEW, rejection(leaving)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Review) for each in results) == 2
    assert [each.details.code for each in results if isinstance(each, Problem)] == [
        "review_decided"
    ]
    await eventually(published(js, provisioned, ContentRejected, 1))
    await eventually(published(js, provisioned, ReviewApproved, 1))
    fact = await approved_fact(js, provisioned, going.piece_id, going.task_id)
    await facts.write(delivered(fact))
    await eventually(published(js, provisioned, ContentPersisted, 1))
    shown = await replicas[1].call(GET_REVIEW, PieceRef(tenant=TENANT, piece_id=going.piece_id))
    assert (shown.state, len(shown.decisions)) == ("persisted", 1)
    assert await count(js, provisioned, TaskCompleted) == 1


async def test_an_approval_is_told_once_however_often_the_relay_runs(
    books: Books, js: JetStreamContext, provisioned: Topology, facts: JetStreamFactLog
) -> None:
    event = await held(books)
    await books.reviews.decide(decision(event))
    (fact,) = await books.waiting(ReviewApproved)
    await RelayLeft(books.outbox, facts)()
    # As if the relay had died between publishing and forgetting.
    await books.sql(
        "INSERT INTO outbox (fact, body) VALUES ('review.approved', CAST(:body AS jsonb))",
        body=fact.model_dump_json(),
    )
    await RelayLeft(books.outbox, facts)()
    assert await count(js, provisioned, ReviewApproved) == 1
    assert await books.waiting() == []


async def test_the_queue_of_approvals_holds_a_piece_until_it_is_signed(
    books: Books, js: JetStreamContext, provisioned: Topology, facts: JetStreamFactLog
) -> None:
    event = await held(books)
    await books.reviews.decide(decision(event))
    (fact,) = await books.waiting(ReviewApproved)
    (piece,) = [each for each in await books.waiting() if each.NAME == "content.requested"]
    looked_for = seen(piece.model_copy(update={"run": 2}))
    queues = JetStreamQueues(js, provisioned)
    assert not await queues.hold(looked_for)
    await facts.write(fact)
    assert await queues.hold(looked_for)
    subscription = await js.pull_subscribe_bind(
        SIGN_APPROVAL.durable, provisioned.stream(ReviewApproved)
    )
    (message,) = await subscription.fetch(1)
    assert await queues.hold(looked_for)
    await message.ack_sync()
    assert not await queues.hold(looked_for)


async def test_takedown_match_freeze_and_unfreeze_answer(
    replicas: list[Service],
    books: Books,
    js: JetStreamContext,
    provisioned: Topology,
    facts: JetStreamFactLog,
) -> None:
    done, found = await books.accepted(2)
    await facts.write(stored(done))
    await eventually(published(js, provisioned, ContentPersisted, 1))
    ask = replicas[0].call
    shown = await ask(TAKE_DOWN_PIECE, request(done.piece_id))
    assert shown.taken_down_at is not None
    await eventually(published(js, provisioned, DeliveryWithdrawn, 1))
    matches = await asyncio.gather(
        *(ask(MATCH_IMAGE, MatchImage(tenant=TENANT, sha256=SHA256)) for _ in range(20))
    )
    assert {match.piece_id for match in matches} == {done.piece_id}
    await facts.write(blocked(found))

    async def is_frozen() -> bool:
        return (await ask(GET_AVATAR, ref(found))).frozen is not None

    await eventually(is_frozen)
    assert (await ask(UNFREEZE_AVATAR, unfreeze(found))).frozen is None
    with pytest.raises(Problem, match="avatar_not_frozen"):
        await ask(UNFREEZE_AVATAR, unfreeze(found))
    page = await ask(LIST_ACTIONS, ListActions(tenant=TENANT))
    assert [each.action for each in page.actions] == ["unfreeze", "freeze", "take_down"]


async def test_a_takedown_is_told_again_once_the_broker_has_lost_it(
    replicas: list[Service],
    books: Books,
    js: JetStreamContext,
    provisioned: Topology,
    facts: JetStreamFactLog,
) -> None:
    (done,) = await books.accepted()
    await facts.write(stored(done))
    await eventually(published(js, provisioned, ContentPersisted, 1))
    ask = replicas[0].call

    async def outbox_is_empty() -> bool:
        return await books.waiting() == []

    for _ in range(2):
        await ask(TAKE_DOWN_PIECE, request(done.piece_id))
        await eventually(published(js, provisioned, DeliveryWithdrawn, 1))
        await eventually(outbox_is_empty)
    stream = await js.stream_info(provisioned.stream(DeliveryWithdrawn))
    await js.delete_stream(provisioned.stream(DeliveryWithdrawn))
    await js.add_stream(stream.config)
    await ask(TAKE_DOWN_PIECE, request(done.piece_id))
    await eventually(published(js, provisioned, DeliveryWithdrawn, 1))

"""Every flow between the real users and the broker: the allowed ones work, all others do not.

What is expected is written down here once more, by hand: a table cannot check itself.
"""

import asyncio
import json

import pytest
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout

from shared import calls
from shared.events import FACTS, AttemptSettled, AvatarReady, Fact, TaskRequested
from shared.factlog import JetStreamFactLog
from shared.permissions import SERVICES
from shared.rpc import Call
from shared.topology import STEPS, Step
from tests.contracts.samples import samples
from tests.permissions.conftest import Guarded

USERS = ("gateway", "generator", "hooks", "safety", "storage", "ledger", "operator", "outside")
WRITERS = {
    "task.requested": {"outside", "operator"},
    "avatar.ready": {"outside", "operator"},
    "task.accepted": {"gateway"},
    "task.refused": {"gateway"},
    "content.requested": {"ledger"},
    "image.generated": {"generator", "operator"},
    "attempt.settled": {"generator", "hooks", "operator"},
    "content.hooked": {"hooks", "operator"},
    "content.moderated": {"safety"},
    "content.stored": {"storage", "operator"},
    "review.approved": {"ledger"},
    "content.halted": {"generator", "hooks", "safety", "storage", "operator"},
    "content.persisted": {"ledger"},
    "content.rejected": {"ledger"},
    "content.failed": {"ledger"},
    "delivery.withdrawn": {"ledger"},
    "task.completed": {"ledger"},
}
CARRIERS = {
    "task-accepted": "gateway",
    "avatar-handed-over": "gateway",
    "image-generated-interactive": "generator",
    "image-generated-bulk": "generator",
    "content-hooked": "hooks",
    "content-moderated": "safety",
    "review-moderated": "safety",
    "content-stored": "storage",
    "cleared-persisted": "storage",
    "cleared-rejected": "storage",
    "cleared-failed": "storage",
    "withdrawn": "storage",
    "piece-persisted": "ledger",
    "piece-halted": "ledger",
    "attempt-recorded": "ledger",
    "progress-generated": "ledger",
    "progress-hooked": "ledger",
    "progress-moderated": "ledger",
}
ASKERS = {
    "ledger.attempt.open": {"generator", "hooks"},
    "ledger.attempt.note": {"generator"},
    "ledger.piece.substitute": {"generator"},
    "ledger.provider.records": {"gateway", "generator"},
    "storage.object.lend": {"gateway", "generator"},
    "storage.links.sign": {"gateway", "generator"},
    "storage.health": {"gateway", "ledger"},
    "ledger.piece.ended": {"storage"},
    "ledger.file.unowned": {"storage"},
    "ledger.piece.receipt": {"storage"},
    "ledger.piece.uploaded": {"storage"},
    "ledger.image.match": {"safety"},
    "safety.text.screen": {"gateway", "hooks"},
}
BUCKETS = ("staging", "dead-letters")
PUTTERS = {
    "staging": {"gateway", "generator", "storage"},
    "dead-letters": {"gateway", "generator", "hooks", "safety", "storage", "ledger"},
}
PURGERS = {"staging": {"gateway", "generator", "storage"}, "dead-letters": {"operator"}}
CALLS = [call for call in vars(calls).values() if isinstance(call, Call)]
OURS = {type(sample): sample for sample in samples() if isinstance(sample, Fact)}


def subject(guarded: Guarded, fact: type[Fact], tenant: str = "default") -> str:
    lane = ("bulk",) if fact.NAME == "content.requested" else ()
    return guarded.names.subject_of(fact, (*lane, tenant, "t", "p", "1"))


def test_every_fact_step_and_call_has_its_row() -> None:
    assert {fact.NAME for fact in FACTS} == set(WRITERS)
    assert {step.durable for step in STEPS} == set(CARRIERS)
    assert {role.name for role in SERVICES} | {"operator", "outside"} == set(USERS)
    answered = [call.name for role in SERVICES for call in role.answers]
    assert sorted(answered) == sorted(call.name for call in CALLS)


@pytest.mark.parametrize("user", USERS)
async def test_a_fact_is_written_by_those_alone_whose_it_is(guarded: Guarded, user: str) -> None:
    async with guarded.visit(user) as visitor:
        for fact in FACTS:
            may = await visitor.may_publish(subject(guarded, fact))
            assert may is (user in WRITERS[fact.NAME]), fact.NAME


@pytest.mark.parametrize("user", USERS)
async def test_a_step_is_carried_by_one_service(guarded: Guarded, user: str) -> None:
    async with guarded.visit(user) as visitor:
        for step in STEPS:
            place = f"{guarded.names.stream(step.consumes)}.{step.durable}"
            for name in (f"$JS.API.CONSUMER.MSG.NEXT.{place}", f"$JS.ACK.{place}.1.1.1.1.0"):
                may = await visitor.may_publish(name)
                assert may is (user == CARRIERS[step.durable]), name


@pytest.mark.parametrize("user", USERS)
async def test_nobody_purges_or_deletes_a_stream_of_facts_or_a_consumer(
    guarded: Guarded, user: str
) -> None:
    async with guarded.visit(user) as visitor:
        for fact in FACTS:
            stream = guarded.names.stream(fact)
            for verb in ("STREAM.PURGE", "STREAM.DELETE", "STREAM.MSG.DELETE"):
                assert not await visitor.may_publish(f"$JS.API.{verb}.{stream}"), verb
        for step in STEPS:
            place = f"{guarded.names.stream(step.consumes)}.{step.durable}"
            assert not await visitor.may_publish(f"$JS.API.CONSUMER.DELETE.{place}")
        for bucket in BUCKETS:
            assert not await visitor.may_publish(f"$JS.API.STREAM.DELETE.BLOB_{bucket}")
            may = await visitor.may_publish(f"$JS.API.STREAM.PURGE.BLOB_{bucket}", b"not a request")
            assert may is (user in PURGERS[bucket]), bucket


@pytest.mark.parametrize("user", [user for user in USERS if user != "operator"])
async def test_only_the_operator_makes_streams_and_consumers(guarded: Guarded, user: str) -> None:
    async with guarded.visit(user) as visitor:
        for fact in FACTS:
            stream = guarded.names.stream(fact)
            for verb in ("STREAM.CREATE", "STREAM.UPDATE"):
                assert not await visitor.may_publish(f"$JS.API.{verb}.{stream}")
            for verb in ("CREATE", "DURABLE.CREATE"):
                assert not await visitor.may_publish(f"$JS.API.CONSUMER.{verb}.{stream}.mine")
                assert not await visitor.may_publish(f"$JS.API.CONSUMER.{verb}.{stream}")


@pytest.mark.parametrize("user", USERS)
async def test_the_ledger_and_the_operator_see_how_full_a_stream_is(
    guarded: Guarded, user: str
) -> None:
    async with guarded.visit(user) as visitor:
        streams = [guarded.names.stream(fact) for fact in FACTS]
        for stream in (*streams, "BLOB_staging"):
            may = await visitor.may_publish(f"$JS.API.STREAM.INFO.{stream}")
            others = {"storage"} if stream == "BLOB_staging" else set()
            assert may is (user in {"ledger", "operator"} | others), stream


@pytest.mark.parametrize("user", USERS)
async def test_a_call_is_answered_by_one_service_and_asked_by_few(
    guarded: Guarded, user: str
) -> None:
    async with guarded.visit(user) as visitor:
        for call in CALLS:
            name = guarded.names.rpc(call.name)
            answers = call.name.split(".")[0] == user
            assert await visitor.may_subscribe(name) is answers, name
            asks = user in ASKERS.get(call.name, {"gateway"})
            assert await visitor.may_publish(name) is asks, name


@pytest.mark.parametrize("user", USERS)
async def test_nobody_listens_where_it_has_no_business(guarded: Guarded, user: str) -> None:
    async with guarded.visit(user) as visitor:
        for other in USERS:
            assert await visitor.may_subscribe(f"_INBOX_{other}.x") is (other == user)
        for name in (">", "*.>", "_INBOX.>", "$JS.>", "$SYS.>", "rpc.>", "dead.letter.>"):
            assert not await visitor.may_subscribe(name), name
        for fact in FACTS:
            hears = (user, fact.NAME) == ("gateway", "task.completed")
            assert await visitor.may_subscribe(guarded.names.subjects(fact)) is hears, fact.NAME


async def test_another_system_reaches_its_own_tenant_and_no_other(guarded: Guarded) -> None:
    theirs = {"task.requested", "avatar.ready"}
    async with guarded.visit("outside") as outside:
        for fact in FACTS:
            for tenant in ("default", "other"):
                mine = tenant == "default"
                name = subject(guarded, fact, tenant)
                assert await outside.may_publish(name) is (mine and fact.NAME in theirs), name
                follows = mine and fact.NAME not in theirs
                assert await outside.may_subscribe(name) is follows, name
                stream = guarded.names.stream(fact)
                got = await outside.may_publish(f"$JS.API.DIRECT.GET.{stream}.{name}")
                assert got is follows, name
            assert not await outside.may_publish(f"$JS.API.DIRECT.GET.{stream}")
            assert not await outside.may_publish(f"$JS.API.STREAM.MSG.GET.{stream}")


@pytest.mark.parametrize("fact", OURS, ids=lambda fact: fact.NAME)
async def test_a_fact_is_acknowledged_to_its_writer_and_found_again(
    guarded: Guarded, fact: type[Fact]
) -> None:
    sample = OURS[fact]
    writer = min(WRITERS[fact.NAME] - {"operator"})
    async with guarded.visit(writer) as visitor:
        log = JetStreamFactLog(visitor.nc.jetstream(), guarded.names, source="/test")
        assert await log.write(sample)
        assert not await log.write(sample)
        if writer in {"generator", "hooks", "safety", "storage"} and fact is not AttemptSettled:
            assert await log.holds(fact, sample.subject_tokens)
        assert not visitor.refusals


@pytest.mark.parametrize("fact", [TaskRequested, AvatarReady], ids=lambda fact: fact.NAME)
async def test_what_another_system_sends_is_acknowledged(
    guarded: Guarded, fact: type[Fact]
) -> None:
    async with guarded.visit("outside") as outside:
        ack = await outside.nc.jetstream().publish(subject(guarded, fact), b"{}")
        assert ack.stream == guarded.names.stream(fact)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.durable)
async def test_a_step_gets_its_messages_and_acknowledges_them(guarded: Guarded, step: Step) -> None:
    stream = guarded.names.stream(step.consumes)
    filled = guarded.names.filter_subject(step).replace(">", "default.mine.p.1")
    async with guarded.visit(min(WRITERS[step.consumes.NAME] - {"operator"})) as writer:
        await writer.nc.jetstream().publish(filled, b"{}", stream=stream)
    async with guarded.visit(CARRIERS[step.durable]) as carrier:
        inbox = await carrier.nc.subscribe(f"{carrier.inbox}.pull")
        request = json.dumps({"batch": 1, "expires": 2 * 10**9}).encode()
        name = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{step.durable}"
        await carrier.nc.publish(name, request, reply=f"{carrier.inbox}.pull")
        message = await inbox.next_msg(timeout=30)
        assert message.reply.startswith("$JS.ACK.")
        await message.in_progress()
        await message.ack_sync(timeout=30)
        assert not carrier.refusals


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_a_call_reaches_its_service_and_the_answer_comes_back(
    guarded: Guarded, call: Call[calls.Nothing, calls.Nothing]
) -> None:
    asker = min(ASKERS.get(call.name, {"gateway"}))
    async with guarded.visit(call.name.split(".")[0]) as service, guarded.visit(asker) as client:

        async def answer(message: Msg) -> None:
            await message.respond(b"answer")

        await service.nc.subscribe(guarded.names.rpc(call.name), queue=call.name, cb=answer)
        await service.nc.flush()
        await service.nc.flush()
        reply = await client.nc.request(guarded.names.rpc(call.name), b"question", timeout=30)
        assert reply.data == b"answer"
        assert not service.refusals + client.refusals


async def test_who_was_not_asked_answers_nobody(guarded: Guarded) -> None:
    async with guarded.visit("ledger") as ledger, guarded.visit("gateway") as gateway:
        inbox = await gateway.nc.subscribe("_INBOX_gateway.mine")
        await gateway.nc.flush()
        assert not await ledger.may_publish("_INBOX_gateway.mine")
        with pytest.raises(NatsTimeout):
            await inbox.next_msg(timeout=0.1)


async def test_other_systems_catch_up_with_what_they_missed(guarded: Guarded) -> None:
    name = "task.completed.default.missed"
    async with guarded.visit("ledger") as ledger:
        await ledger.nc.jetstream().publish(name, b'{"state":"completed"}')
    async with guarded.visit("outside") as outside:
        found = await outside.nc.request(
            f"$JS.API.DIRECT.GET.TASK_COMPLETED.{name}", b"", timeout=30
        )
        assert found.data == b'{"state":"completed"}'


async def test_without_a_key_of_the_broker_nobody_comes_in(guarded: Guarded) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", guarded.server.port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false,"pedantic":false,"user":"a","pass":"b"}\r\nPING\r\n')
    assert b"Authorization Violation" in await reader.readline()
    writer.close()

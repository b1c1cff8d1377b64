"""The server lets everybody choose where an answer goes; it must not do there what they may not.

An empty answer that arrives at the API's subject for deleting a stream would delete the stream, a
message that is handed out to the subject of a verdict would be one.
"""

import json
from collections.abc import AsyncIterator, Iterator

import pytest
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext

from shared.topology import STEPS
from tests.permissions.conftest import Guarded

GUESTS = ("gateway", "generator", "hooks", "safety", "storage", "ledger", "outside")
VERDICT = "content.moderated.default.elsewhere.p.1"
CANCEL = "rpc.ledger.task.cancel"
INBOX = "_INBOX_ledger.elsewhere"
VICTIM = "CONTENT_PERSISTED"
MARKER = "content.persisted.default.marker.p.1"
ELSEWHERE: dict[str, set[str]] = {
    f"$JS.API.STREAM.DELETE.{VICTIM}": set(),
    f"$JS.API.STREAM.PURGE.{VICTIM}": set(),
    f"$JS.API.CONSUMER.DELETE.{VICTIM}.cleared-persisted": set(),
    VERDICT: {"safety"},
    CANCEL: {"gateway", "ledger"},
    INBOX: {"ledger"},
}
"""Where an answer might do harm, and who may send there anyway."""

BODIES = (b"", b"no request", json.dumps({"batch": 1, "no_wait": True}).encode())


def questions(guarded: Guarded, user: str) -> Iterator[str]:
    """Every subject that this user may publish to, wildcards filled in."""
    [permissions] = [each.permissions for each in guarded.users.users if each.name == user]
    for subject in permissions.publish:
        yield subject.replace("*", "bulk").replace(">", "default.t.p.1")


@pytest.fixture
async def operator(guarded: Guarded) -> AsyncIterator[JetStreamContext]:
    async with guarded.visit("operator") as visitor:
        yield visitor.nc.jetstream()


@pytest.mark.parametrize("user", GUESTS)
async def test_an_answer_does_nothing_that_its_asker_may_not_do(
    guarded: Guarded, operator: JetStreamContext, user: str
) -> None:
    async with guarded.visit("ledger") as ledger, guarded.visit(user) as guest:
        await ledger.nc.jetstream().publish(MARKER, b"{}", stream=VICTIM)
        places = [place for place, may in ELSEWHERE.items() if user not in may]
        heard = [await ledger.nc.subscribe(name) for name in (CANCEL, INBOX) if name in places]
        await ledger.nc.flush()
        for subject in questions(guarded, user):
            for body in BODIES:
                for place in places:
                    await guest.nc.publish(subject, body, reply=place)
        await guest.nc.flush()
        await guest.nc.flush()

        assert not guest.refusals, "the questions themselves are allowed"
        assert await operator.get_last_msg(VICTIM, MARKER)
        assert await operator.consumer_info(VICTIM, "cleared-persisted")
        moderated = await operator.stream_info("CONTENT_MODERATED", subjects_filter=VERDICT)
        assert not moderated.state.subjects
        for subscription in heard:
            with pytest.raises(NatsTimeout):
                await subscription.next_msg(timeout=0.05)


async def test_every_stream_and_consumer_is_still_there(
    guarded: Guarded, operator: JetStreamContext
) -> None:
    async with guarded.visit("outside") as outside:
        lookup = "$JS.API.DIRECT.GET.TASK_COMPLETED.task.completed.default.none"
        for fact in guarded.names.facts:
            for verb in ("PURGE", "DELETE"):
                place = f"$JS.API.STREAM.{verb}.{guarded.names.stream(fact)}"
                await outside.nc.publish(lookup, b"", reply=place)
        await outside.nc.flush()
        await outside.nc.flush()
    for step in STEPS:
        assert await operator.consumer_info(guarded.names.stream(step.consumes), step.durable)


async def test_a_refusal_names_the_subject(guarded: Guarded) -> None:
    async with guarded.visit("hooks") as hooks:
        with pytest.raises((NatsTimeout, NoRespondersError)):
            await hooks.nc.request("$JS.API.STREAM.INFO.CONTENT_HOOKED", timeout=0.2)
        assert "stream.info.content_hooked" in hooks.refusals[0]

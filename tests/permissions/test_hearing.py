"""Who follows facts hears each one once, from whoever wrote it, and of its own tenant only."""

import pytest
from nats.errors import TimeoutError as NatsTimeout

from shared.events import FACTS, AvatarReady, Fact, TaskCompleted, TaskRequested
from tests.permissions.conftest import Guarded
from tests.permissions.test_flows import WRITERS, subject

FOLLOWED = [fact for fact in FACTS if fact not in {TaskRequested, AvatarReady}]
HEARD = [(fact, writer) for fact in FOLLOWED for writer in sorted(WRITERS[fact.NAME])]


@pytest.mark.parametrize(
    ("fact", "writer"), HEARD, ids=[f"{fact.NAME}-{writer}" for fact, writer in HEARD]
)
async def test_another_system_hears_its_tenants_facts_once(
    guarded: Guarded, fact: type[Fact], writer: str
) -> None:
    async with guarded.visit("outside") as outside, guarded.visit(writer) as author:
        lane = ("*",) if fact.NAME == "content.requested" else ()
        everything = guarded.names.subject_of(fact, (*lane, "default", ">"))
        heard = await outside.nc.subscribe(everything)
        await outside.nc.flush()
        js = author.nc.jetstream()
        for tenant in ("other", "default"):
            await js.publish(subject(guarded, fact, tenant), tenant.encode())
        message = await heard.next_msg(timeout=30)
        assert (message.subject, message.data) == (subject(guarded, fact), b"default")
        with pytest.raises(NatsTimeout):
            await heard.next_msg(timeout=0.05)
        assert not outside.refusals + author.refusals


async def test_the_gateway_hears_that_a_task_is_complete(guarded: Guarded) -> None:
    async with guarded.visit("gateway") as gateway, guarded.visit("ledger") as ledger:
        heard = await gateway.nc.subscribe(guarded.names.subjects(TaskCompleted))
        await gateway.nc.flush()
        await ledger.nc.jetstream().publish(subject(guarded, TaskCompleted, "any"), b"{}")
        assert (await heard.next_msg(timeout=30)).data == b"{}"

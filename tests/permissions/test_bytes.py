"""Private bytes: put, read and cleared by those who have to, kept from everybody else."""

import asyncio

import pytest

from shared.blobs import JetStreamBlobs
from shared.deadletters import JetStreamDeadLetters
from shared.topology import STEPS, Step
from tests.builders import SHA256
from tests.permissions.conftest import Guarded
from tests.permissions.test_flows import BUCKETS, CARRIERS, PUTTERS, USERS


@pytest.mark.parametrize("user", USERS)
async def test_bytes_are_put_read_and_cleared_by_those_who_have_to(
    guarded: Guarded, user: str
) -> None:
    async with guarded.visit(user) as visitor:
        for bucket in BUCKETS:
            may = await visitor.may_publish(f"blob.{bucket}.p.1.x.0")
            assert may is (user in PUTTERS[bucket]), bucket


async def test_an_image_goes_from_the_generator_to_safety_and_storage(guarded: Guarded) -> None:
    async with (
        guarded.visit("generator") as generator,
        guarded.visit("safety") as safety,
        guarded.visit("storage") as storage,
    ):
        staged, judged, cleared = (
            JetStreamBlobs(each.nc.jetstream(), "staging") for each in (generator, safety, storage)
        )
        ref = await staged.put("p/1", b"x" * 2_500_000, media_type="image/png")
        assert await staged.holds(ref)
        assert await judged.get(ref) == await cleared.get(ref)
        await cleared.delete(ref)
        assert not await staged.holds(ref)
        assert not generator.refusals + safety.refusals + storage.refusals


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.durable)
async def test_what_cannot_be_read_is_kept_by_who_carries_the_step(
    guarded: Guarded, step: Step
) -> None:
    durable = step.durable
    async with guarded.visit(CARRIERS[durable]) as carrier:
        js = carrier.nc.jetstream()
        bodies = JetStreamBlobs(js, "dead-letters", may_purge=False)
        await JetStreamDeadLetters(js, guarded.names, bodies).keep(
            step=durable,
            subject="x.y",
            sequence=1,
            reason="invalid_body",
            detail="",
            headers={},
            body=f"{durable} {SHA256}".encode(),
        )
        assert not carrier.refusals


async def test_a_bucket_cannot_be_emptied_by_rolling_it_up(
    guarded: Guarded,
) -> None:
    async with guarded.visit("hooks") as hooks, guarded.visit("operator") as operator:
        js = hooks.nc.jetstream()
        bodies = JetStreamBlobs(js, "dead-letters", may_purge=False)
        ref = await bodies.put("step/1", b"evidence", media_type="application/octet-stream")
        with pytest.raises(Exception, match="rollup"):
            await js.publish("blob.dead-letters.any", b"", headers={"Nats-Rollup": "all"})
        assert await bodies.holds(ref)
        kept = JetStreamBlobs(operator.nc.jetstream(), "dead-letters")
        assert await kept.get(ref) == b"evidence"


async def test_twins_that_may_not_purge_put_one_dead_letter_without_a_pause(
    guarded: Guarded,
) -> None:
    async with guarded.visit("hooks") as hooks, asyncio.timeout(30):
        bodies = JetStreamBlobs(hooks.nc.jetstream(), "dead-letters", may_purge=False)
        refs = await asyncio.gather(
            *(bodies.put("step/2", b"twins", media_type="text/plain") for _ in range(4))
        )
        assert len(set(refs)) == 1
        assert not hooks.refusals

"""Bytes that pass through staging: the same on the broker and in tests."""

import pytest

from services.gateway.ports import PassingBytes
from shared.blobs import JetStreamBlobs
from tests.gateway.staging import MemoryStaging


@pytest.fixture(params=["memory", "broker"])
def staging(request: pytest.FixtureRequest) -> PassingBytes:
    if request.param == "memory":
        return MemoryStaging()
    topology = request.getfixturevalue("provisioned")
    return JetStreamBlobs(request.getfixturevalue("js"), topology.bucket("staging"))


async def names(staging: PassingBytes) -> set[str]:
    """First parts of the names of all that lies there."""
    if isinstance(staging, MemoryStaging):
        return {place.partition("/")[0] for place in staging.lying}
    assert isinstance(staging, JetStreamBlobs)
    return {name.partition("/")[0] for name in await staging.names()}


async def test_all_that_lies_under_a_name_is_forgotten_and_nothing_else(
    staging: PassingBytes,
) -> None:
    for name in ("check-1", "check-1/lent", "check-12", "piece/1"):
        for data in (b"a", b"b" * 2_500_000):
            await staging.put(name, data, media_type="image/png")
    await staging.forget("check-1")
    assert await names(staging) == {"check-12", "piece"}
    await staging.forget("check-1")


async def test_a_claim_check_names_the_bytes(staging: PassingBytes) -> None:
    ref = await staging.put("check-1", b"image", media_type="image/webp")
    assert (ref.size, ref.media_type) == (5, "image/webp")
    await staging.forget("check-1")

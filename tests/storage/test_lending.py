"""Delivered bytes are lent by a copy in staging; what is held, or elsewhere, is not."""

import pytest

from services.storage.handler.lending import LendDelivered
from services.storage.ports import Area
from shared.calls import LendBytes
from shared.problems import Problem
from tests.fakes import MemoryBlobs
from tests.storage.fakes import MemoryObjects

KEY = "content/a/p_token.png"


def asked(key: str = KEY) -> LendBytes:
    return LendBytes(tenant="default", key=key, name="check-1")


@pytest.mark.parametrize("area", [Area.PUBLIC, Area.PRIVATE])
async def test_a_delivered_object_is_copied_under_the_askers_name(area: Area) -> None:
    staging = MemoryBlobs()
    lend = LendDelivered(staging, MemoryObjects({(area, KEY): b"pixels"}))
    lent = await lend(asked())
    assert await lend(asked()) == lent
    assert await staging.get(lent.image) == b"pixels"
    assert lent.image.media_type == "image/png"
    assert [name.partition("/")[0] for name in await staging.names()] == ["check-1"]


async def test_what_is_uploaded_while_we_look_is_found_all_the_same() -> None:
    class Moving(MemoryObjects):
        async def read(self, area: Area, key: str) -> bytes:
            if area is Area.PRIVATE:
                self.kept[Area.PUBLIC, key] = self.kept.pop((area, key))
            return await super().read(area, key)

    staging = MemoryBlobs()
    lent = await LendDelivered(staging, Moving({(Area.PRIVATE, KEY): b"pixels"}))(asked())
    assert await staging.get(lent.image) == b"pixels"


@pytest.mark.parametrize(
    ("area", "kept", "key"),
    [
        (Area.REVIEW, KEY, KEY),
        (Area.PUBLIC, "loras/a", "loras/a"),
        (Area.PUBLIC, "content/../loras/a", "content/../loras/a"),
        (Area.PUBLIC, "content//a", "content//a"),
        (Area.PUBLIC, KEY, "content/a/other.png"),
    ],
    ids=["held", "weights", "out of the folder", "empty part", "not there"],
)
async def test_nothing_else_is_lent(area: Area, kept: str, key: str) -> None:
    staging = MemoryBlobs()
    lend = LendDelivered(staging, MemoryObjects({(area, kept): b"secret"}))
    with pytest.raises(Problem) as refused:
        await lend(asked(key))
    assert (refused.value.details.status, refused.value.details.code) == (404, "object_not_found")
    assert not staging.kept

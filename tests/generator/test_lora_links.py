"""Links to weights: shared by the calls of a moment, never old, never in a log."""

from typing import Any, cast

import pytest

from services.generator.adapters.storage_links import LORA_LINK_S, USED_AGAIN_S, StorageLoraLinks
from shared.calls import SIGN_LINKS, SignedLinks, SignLinks
from shared.outcomes import GiveUp
from shared.problems import Problem
from shared.rpc import Caller


class Storage:
    """Signs every link with a number of its own."""

    def __init__(self) -> None:
        self.asked: list[SignLinks] = []
        self.refuses = False

    async def __call__(self, call: object, request: SignLinks, **_: Any) -> SignedLinks:
        assert call is SIGN_LINKS
        if self.refuses:
            raise Problem(422, "invalid_key", "That is not the key of an object.")
        self.asked.append(request)
        return SignedLinks(urls=(f"https://storage/{request.keys[0]}?s={len(self.asked)}",))


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(storage: Storage, clock: Clock) -> StorageLoraLinks:
    return StorageLoraLinks(cast("Caller", storage), monotonic=clock)


async def test_calls_of_the_same_minute_share_a_link(
    links: StorageLoraLinks, storage: Storage, clock: Clock
) -> None:
    first = await links.sign("loras/ada.safetensors")
    clock.now += USED_AGAIN_S - 1
    assert await links.sign("loras/ada.safetensors") == first
    assert [request.expires_s for request in storage.asked] == [LORA_LINK_S]


async def test_a_link_is_given_out_while_nearly_all_its_life_is_left(
    links: StorageLoraLinks, storage: Storage, clock: Clock
) -> None:
    first = await links.sign("loras/ada.safetensors")
    clock.now += USED_AGAIN_S
    assert await links.sign("loras/ada.safetensors") != first
    assert USED_AGAIN_S < LORA_LINK_S / 10


async def test_every_avatar_has_a_link_of_its_own(links: StorageLoraLinks) -> None:
    ada, bea = [await links.sign(f"loras/{name}.safetensors") for name in ("ada", "bea")]
    assert "ada" in ada
    assert "bea" in bea


async def test_what_storage_refuses_is_not_kept(links: StorageLoraLinks, storage: Storage) -> None:
    storage.refuses = True
    with pytest.raises(GiveUp, match="lora_unavailable"):
        await links.sign("loras/ada.safetensors")
    storage.refuses = False
    assert await links.sign("loras/ada.safetensors")

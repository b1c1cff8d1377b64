"""An engine whose model comes later: who asks meanwhile waits, but not for ever, nor in a crowd."""

import asyncio
import threading

import pytest

from services.generator.app.sdxl_loading import (
    LOADING_THREAD,
    CannotLoad,
    LoadingEngine,
    in_thread_of_its_own,
    loading,
)
from services.generator.sdxl.wishes import (
    EngineState,
    FailureCode,
    ImageEngine,
    NoPicture,
    QueueFull,
    Wish,
)
from tests.eventually import eventually
from tests.generator.worker.engines import CannedEngine

BEFORE = loading("tiny-sdxl", "cpu", slots=4, room=2)


class Coming:
    """An engine that is there when it is told to be."""

    def __init__(self) -> None:
        self.arrives: asyncio.Future[ImageEngine] = asyncio.get_running_loop().create_future()
        self.engine = LoadingEngine(self._load, BEFORE)

    async def _load(self) -> ImageEngine:
        return await self.arrives


async def test_who_asks_meanwhile_waits_and_has_the_less_time_afterwards() -> None:
    coming, canned = Coming(), CannedEngine()
    picture = asyncio.create_task(coming.engine.generate(Wish("a lake", limit_s=30)))
    await eventually(lambda: coming.engine.health().waiting == 1)
    coming.arrives.set_result(canned)
    assert (await picture).seed == 7
    assert canned.asked[0].prompt == "a lake"
    assert 29 < canned.asked[0].limit_s < 30


async def test_health_tells_of_loading_then_of_the_engine() -> None:
    coming = Coming()
    health = coming.engine.health()
    assert (health.state, health.model, health.slots, health.room) == (
        EngineState.LOADING,
        "tiny-sdxl",
        4,
        2,
    )
    assert coming.engine.is_loading
    coming.arrives.set_result(CannedEngine())
    await coming.engine.loaded()
    assert coming.engine.health().state is EngineState.READY
    assert not coming.engine.is_loading


async def test_who_has_no_time_to_wait_is_told_so() -> None:
    coming = Coming()
    with pytest.raises(NoPicture) as caught:
        await coming.engine.generate(Wish("a lake", limit_s=0.01))
    assert caught.value.code is FailureCode.TIMEOUT
    assert coming.engine.health().waiting == 0
    await coming.engine.close()


async def test_no_more_wait_than_there_is_room_for() -> None:
    coming = Coming()
    waiting = [asyncio.create_task(coming.engine.generate(Wish("a lake"))) for _ in range(2)]
    await eventually(lambda: coming.engine.health().room == 0)
    with pytest.raises(QueueFull):
        await coming.engine.generate(Wish("a lake"))
    waiting[0].cancel()
    await eventually(lambda: coming.engine.health().room == 1)
    coming.arrives.set_result(CannedEngine())
    await waiting[1]


@pytest.mark.parametrize(
    ("failure", "key", "code"),
    [
        (CannotLoad("SDXL_DEVICE", "no GPU"), "SDXL_DEVICE", FailureCode.MODEL_LOAD_FAILED),
        (NoPicture(FailureCode.CUDA_OOM, "too large"), "SDXL_MODEL", FailureCode.CUDA_OOM),
        (ImportError("canary"), "SDXL_MODEL", FailureCode.MODEL_LOAD_FAILED),
    ],
)
async def test_who_asks_for_what_cannot_be_loaded_is_told_why(
    failure: Exception, key: str, code: FailureCode
) -> None:
    coming = Coming()
    early = asyncio.create_task(coming.engine.generate(Wish("a lake")))
    await eventually(lambda: coming.engine.health().waiting == 1)
    coming.arrives.set_exception(failure)
    for attempt in (early, coming.engine.generate(Wish("a lake")), coming.engine.loaded()):
        with pytest.raises(CannotLoad) as caught:
            await attempt
        assert (caught.value.key, caught.value.code) == (key, code)
        assert getattr(failure, "detail", "ImportError") in caught.value.detail
    assert coming.engine.health().detail == "the model cannot be loaded"
    assert coming.engine.health().room == 0


async def test_nothing_waits_for_a_thread_that_reads_a_model() -> None:
    go_on = threading.Event()
    reading = asyncio.create_task(in_thread_of_its_own(go_on.wait))
    await eventually(lambda: any(each.name == LOADING_THREAD for each in threading.enumerate()))
    assert all(each.daemon for each in threading.enumerate() if each.name == LOADING_THREAD)
    reading.cancel()
    go_on.set()
    await eventually(lambda: all(each.name != LOADING_THREAD for each in threading.enumerate()))


async def test_what_goes_wrong_in_such_a_thread_is_raised() -> None:
    def work() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await in_thread_of_its_own(work)

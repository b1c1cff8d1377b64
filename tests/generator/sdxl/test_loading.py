"""LoRAs on their way into slots, without an engine round them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Semaphore
from typing import Any

import pytest
import torch
from structlog.testing import capture_logs

from services.generator.sdxl.bank import Bank
from services.generator.sdxl.device import CpuDevice
from services.generator.sdxl.loading import BUFFERS, SlotLoads
from services.generator.sdxl.slots import Slot, Slots
from services.generator.sdxl.ticket import ticket_of
from services.generator.sdxl.wishes import FailureCode, NoPicture
from tests.generator.sdxl.engines import PLAIN, SMALL
from tests.generator.sdxl.tiny import lora_weights, small_components

COUNT = 5


class Loading:
    """Loads into five slots; `packed` counts those that were tried."""

    def __init__(self) -> None:
        self.slots = Slots(COUNT)
        self.packed = Semaphore(0)
        self.packers = ThreadPoolExecutor(1)
        self.bank = Bank(small_components().unet, rank=4, slots=COUNT, seats=1)
        self.loads = SlotLoads(
            self.bank, self.slots, CpuDevice(), self.packers, self.packed.release
        )

    def begin(self, seed: int, rank: int = 4) -> Slot:
        slot = self.slots.take(str(seed))
        assert slot is not None
        self.loads.begin(slot, lora_weights(seed, rank, targets=SMALL))
        return slot


@pytest.fixture
def loading() -> Iterator[Loading]:
    made = Loading()
    yield made
    made.loads.close()
    made.packers.shutdown()


def test_weights_are_there_after_one_packing_and_one_copy(loading: Loading) -> None:
    slot = loading.begin(1)
    assert not slot.filled
    loading.packed.acquire()
    assert loading.loads.advance()
    assert slot.filled
    assert loading.bank.slots[slot.number].any()
    assert not loading.loads.advance()


def test_asking_twice_copies_once(loading: Loading) -> None:
    slot = loading.begin(1)
    assert loading.begin(1) is slot
    loading.packed.acquire()
    loading.loads.advance()
    loading.begin(1)
    assert not loading.packed.acquire(timeout=0)
    assert loading.loads.copies == 1


def test_weights_that_do_not_fit_are_refused_and_leave_the_slot_free(loading: Loading) -> None:
    slot = loading.begin(1, rank=5)
    loading.packed.acquire()
    loading.loads.advance()
    assert slot.failure is not None
    assert slot.failure.code is FailureCode.LORA_LOAD_FAILED
    loading.slots.give(slot)
    assert loading.begin(1).failure is None


def test_bad_weights_keep_no_buffer(loading: Loading) -> None:
    for seed in range(COUNT):
        loading.begin(seed, rank=5)
        loading.packed.acquire()
    loading.loads.advance()
    for _ in range(BUFFERS):
        assert loading.loads._staging.get(timeout=60) is not None  # noqa: SLF001


def test_closing_frees_a_packer_that_waits_for_a_buffer(loading: Loading) -> None:
    for seed in range(BUFFERS + 2):
        loading.begin(seed)
    for _ in range(BUFFERS):
        loading.packed.acquire()
    loading.loads.close()
    # Otherwise this waits for ever.
    loading.packers.shutdown()


async def test_an_answer_that_comes_too_late_disturbs_nobody() -> None:
    troubles: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    ticket = ticket_of(PLAIN, None)
    ticket.future.cancel()
    ticket.refuse(NoPicture(FailureCode.CUDA_OOM, "no room"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not troubles


def test_a_row_is_a_row_whatever_was_in_the_buffer(loading: Loading) -> None:
    first, again = loading.begin(1), loading.begin(2)
    for _ in range(2):
        loading.packed.acquire()
        loading.loads.advance()
    kept = loading.bank.slots[first.number].clone()
    loading.slots.give(first)
    loading.slots.give(again)
    for seed in (3, 4, 5, 6, 1):
        slot = loading.begin(seed)
        loading.packed.acquire()
        loading.loads.advance()
        loading.slots.give(slot)
    assert torch.equal(loading.bank.slots[slot.number], kept)


def test_a_lora_that_breaks_the_packing_is_refused_and_named_in_the_log(loading: Loading) -> None:
    weights = lora_weights(1, 4, targets=SMALL)
    slot = loading.slots.take("abc")
    assert slot is not None
    broken = replace(weights, unet=dict.fromkeys(weights.unet))  # type: ignore[arg-type]
    loading.loads.begin(slot, broken)
    loading.packed.acquire()
    with capture_logs() as said:
        loading.loads.advance()
    assert slot.failure is not None
    assert slot.failure.code is FailureCode.LORA_LOAD_FAILED
    assert [(line["event"], line["sha256"]) for line in said] == [("sdxl.lora_not_packed", "abc")]

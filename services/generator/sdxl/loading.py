"""LoRAs on their way into slots: packed by a thread, copied aside while the device takes steps."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from queue import SimpleQueue

import structlog
import torch

from services.generator.sdxl.bank import Bank
from services.generator.sdxl.device import Device, Mark
from services.generator.sdxl.slots import Slot, Slots
from services.generator.sdxl.weights import LoraWeights
from services.generator.sdxl.wishes import FailureCode, NoPicture

log = structlog.get_logger()

BUFFERS = 2
"""One is packed while the other is copied."""


@dataclass(frozen=True, slots=True)
class _Upload:
    mark: Mark
    staging: torch.Tensor


class SlotLoads:
    """Fills slots. All but the packing happens in the device's thread; `wake` may be any's."""

    def __init__(
        self, bank: Bank, slots: Slots, device: Device, packers: Executor, wake: Callable[[], None]
    ) -> None:
        self._bank = bank
        self._slots = slots
        self._device = device
        self._packers = packers
        self._wake = wake
        self._staging: SimpleQueue[torch.Tensor | None] = SimpleQueue()
        for _ in range(BUFFERS):
            self._staging.put(device.host_buffer(bank.layout.size, bank.slots.dtype))
        self._packing: dict[Slot, Future[torch.Tensor]] = {}
        self._uploading: dict[Slot, _Upload] = {}
        self.copies = 0

    def begin(self, slot: Slot, weights: LoraWeights) -> None:
        """Weights for a slot, which is held until they are there; once is enough."""
        if slot.filled or slot in self._packing or slot in self._uploading:
            return
        slot.holders += 1
        packing = self._packers.submit(self._pack, weights)
        self._packing[slot] = packing
        packing.add_done_callback(lambda _: self._wake())

    def advance(self, *, patient: bool = False) -> bool:
        """Take every copy one step on. Patient, it waits for those under way. Whether any ended."""
        packed = [slot for slot, packing in self._packing.items() if packing.done()]
        for slot in packed:
            self._upload(slot, self._packing.pop(slot))
        ended = [slot for slot, one in self._uploading.items() if patient or one.mark.reached()]
        for slot in ended:
            self._end(slot, self._uploading.pop(slot))
        return bool(packed or ended)

    @property
    def uploading(self) -> bool:
        """Whether a copy is under way, which tells nobody when it ends."""
        return bool(self._uploading)

    def abandon(self) -> None:
        """Copies under way count as never made."""
        for slot, upload in self._uploading.items():
            self._staging.put(upload.staging)
            self._slots.give(slot)
        self._uploading.clear()

    def close(self) -> None:
        """Nothing is packed any more; who waits for a buffer waits no longer."""
        self.abandon()
        self._staging.put(None)

    def _pack(self, weights: LoraWeights) -> torch.Tensor:
        staging = self._staging.get()
        if staging is None:
            # For the next one, too.
            self._staging.put(None)
            raise NoPicture(FailureCode.LORA_LOAD_FAILED, "the engine is closing")
        try:
            with torch.no_grad():
                self._bank.layout.pack(weights.unet, staging)
        except BaseException:
            self._staging.put(staging)
            raise
        return staging

    def _upload(self, slot: Slot, packing: Future[torch.Tensor]) -> None:
        try:
            staging = packing.result()
        except NoPicture as failure:
            self._refuse(slot, failure)
        except Exception as exc:  # whatever is wrong with one LoRA is its own
            log.exception("sdxl.lora_not_packed", sha256=slot.key)
            detail = f"the LoRA could not be packed ({type(exc).__name__})"
            self._refuse(slot, NoPicture(FailureCode.LORA_LOAD_FAILED, detail))
        else:
            mark = self._device.upload(staging, self._bank.slots[slot.number])
            self._uploading[slot] = _Upload(mark, staging)

    def _refuse(self, slot: Slot, failure: NoPicture) -> None:
        slot.failure = failure
        self._slots.give(slot)

    def _end(self, slot: Slot, upload: _Upload) -> None:
        upload.mark.wait()
        self._staging.put(upload.staging)
        slot.filled = True
        self.copies += 1
        self._slots.give(slot)

"""A CUDA device: one main stream, one for uploads, events between them, pinned host memory."""

from typing import Any

import torch

from services.generator.sdxl.device import CpuDevice, Device, Mark

# torch gives these no types.
Event: Any = torch.cuda.Event
Stream: Any = torch.cuda.Stream


def device_of(device: torch.device) -> Device:
    """How to work on this device."""
    return CudaDevice(device) if device.type == "cuda" else CpuDevice()


class CudaMark:
    """An event. Who waits for it sleeps, so the event loop keeps its core."""

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self.event: Any = Event(enable_timing=True, blocking=True)
        self.event.record(stream)

    def reached(self) -> bool:
        return bool(self.event.query())

    def wait(self) -> None:
        self.event.synchronize()

    def since_s(self, earlier: Mark) -> float:
        if not isinstance(earlier, CudaMark):
            return 0.0
        return float(earlier.event.elapsed_time(self.event)) / 1000


class CudaDevice:
    """Work goes to the current stream of the thread that calls; uploads have their own."""

    def __init__(self, device: torch.device) -> None:
        # "cuda" alone is the one that is current, which not every call takes for an answer.
        index = torch.cuda.current_device() if device.index is None else device.index
        self._device = torch.device("cuda", index)
        torch.cuda.set_device(self._device)
        self.name = torch.cuda.get_device_name(self._device)
        self._aside = Stream(self._device)

    def mark(self) -> Mark:
        return CudaMark(torch.cuda.current_stream(self._device))

    def upload(self, host: torch.Tensor, to: torch.Tensor) -> Mark:
        # Steps that were handed in may still read what lies there.
        self._aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._aside):
            to.copy_(host, non_blocking=True)
        return CudaMark(self._aside)

    def after(self, mark: Mark) -> None:
        if isinstance(mark, CudaMark):
            torch.cuda.current_stream(self._device).wait_event(mark.event)

    def host_buffer(self, size: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.zeros(size, dtype=dtype, pin_memory=True)

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        # torch's pinned allocator keeps the block until the copy is through.
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def to_host(self, tensor: torch.Tensor) -> torch.Tensor:
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        return host.copy_(tensor, non_blocking=True)

    def free_bytes(self) -> int | None:
        free, _ = torch.cuda.mem_get_info(self._device)
        unused = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(
            self._device
        )
        return free + unused

    def peak_bytes(self) -> int:
        peak = torch.cuda.max_memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        return peak

    def drop_cache(self) -> None:
        torch.cuda.empty_cache()

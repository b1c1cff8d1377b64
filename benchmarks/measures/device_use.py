"""How much of its time a device computes: NVIDIA's own figure, or processor time on a CPU."""

import ctypes
import threading
import time
from types import TracebackType
from typing import Self

import torch

_EVERY_S = 0.05


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class CpuUse:
    """The share of the time of torch's threads that this process had from the processor."""

    def __enter__(self) -> Self:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None
    ) -> None:
        took_s = time.perf_counter() - self._wall
        used_s = time.process_time() - self._cpu
        self.busy: float | None = min(1.0, used_s / (took_s * torch.get_num_threads()))


class GpuUse:
    """The share of the time in which a kernel ran, sampled from NVML."""

    busy: float | None = None

    def __init__(self, index: int) -> None:
        self._samples: list[int] = []
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._sample, args=(index,), daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()
        if self._samples:
            self.busy = sum(self._samples) / len(self._samples) / 100

    def _sample(self, index: int) -> None:
        try:
            nvml = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return
        handle, found = ctypes.c_void_p(), _Utilization()
        if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)):
            return
        while not self._over.wait(_EVERY_S):
            if nvml.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(found)) == 0:
                self._samples.append(found.gpu)


def watched(device: torch.device) -> CpuUse | GpuUse:
    """Watch a device for the length of a block; `busy` is known after it, 0 to 1, or None."""
    return GpuUse(device.index or 0) if device.type == "cuda" else CpuUse()

"""What the loop needs of a device, and the plain one; CUDA's is in `cuda.py`."""

import time
from typing import Protocol

import torch


class Mark(Protocol):
    """A point in a device's work."""

    def reached(self) -> bool:
        """Whether all work handed in before it is done. Never waits."""
        ...

    def wait(self) -> None:
        """Blocks until it is reached."""
        ...

    def since_s(self, earlier: "Mark") -> float:
        """Seconds of the device's time between two marks, both reached."""
        ...


class Device(Protocol):
    """Work is handed in by one thread, done in order, and done later."""

    name: str

    def mark(self) -> Mark:
        """Here."""
        ...

    def upload(self, host: torch.Tensor, to: torch.Tensor) -> Mark:
        """Copy aside from the main work, after all that was handed in before."""
        ...

    def after(self, mark: Mark) -> None:
        """Main work that is handed in from here on begins when the mark is reached."""
        ...

    def host_buffer(self, size: int, dtype: torch.dtype) -> torch.Tensor:
        """Zeros on the host, in memory that copies to the device do not wait for."""
        ...

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy in the order of the main work."""
        ...

    def to_host(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy in the order of the main work: valid once a mark after it is reached."""
        ...

    def free_bytes(self) -> int | None:
        """What could still be allocated. None: memory is not ours to count."""
        ...

    def peak_bytes(self) -> int:
        """The most that was allocated since it was last asked."""
        ...

    def drop_cache(self) -> None:
        """Give back memory that is allocated and not used."""
        ...


class CpuMark:
    """Always reached: work is done when it was handed in."""

    def __init__(self) -> None:
        self.at_s = time.perf_counter()

    def reached(self) -> bool:
        return True

    def wait(self) -> None:
        """Nothing to wait for."""

    def since_s(self, earlier: Mark) -> float:
        return self.at_s - earlier.at_s if isinstance(earlier, CpuMark) else 0.0


class CpuDevice:
    """Does everything at once, in the caller's thread."""

    name = "cpu"

    def mark(self) -> Mark:
        return CpuMark()

    def upload(self, host: torch.Tensor, to: torch.Tensor) -> Mark:
        to.copy_(host)
        return CpuMark()

    def after(self, mark: Mark) -> None:
        """Always so."""

    def host_buffer(self, size: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.zeros(size, dtype=dtype)

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def to_host(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def free_bytes(self) -> int | None:
        return None

    def peak_bytes(self) -> int:
        return 0

    def drop_cache(self) -> None:
        """It keeps none."""

"""Every maker by its name, opened when its turn comes with a model that nobody has touched."""

import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import torch
from diffusers.utils import logging as diffusers_logging

from benchmarks.measures.images import Bench
from benchmarks.peers.diffusers_loras.maker import DiffusersMaker
from benchmarks.peers.diffusers_loras.ways import Deleting, Fusing, Swapping, Unloading, Way
from benchmarks.sdxl.avatars import Avatars, served_avatars
from benchmarks.sdxl.models import pipeline_of, unet_linears
from benchmarks.sdxl.ours import opened_ours
from benchmarks.sdxl.scale import Scale
from services.generator.sdxl.components import components_of
from services.generator.sdxl.weights import Targets

OURS = "Atelier"


@dataclass(frozen=True, slots=True)
class Runs:
    """What all of them have in common."""

    scale: Scale
    device: torch.device
    dtype: torch.dtype
    avatars: Avatars
    directory: Path

    @property
    def ways(self) -> dict[str, Callable[[], Way]]:
        """How diffusers gets from one avatar to the next."""
        swapping = partial(Swapping, self.scale.rank)
        return {
            Unloading.name: Unloading,
            Deleting.name: Deleting,
            Fusing.name: Fusing,
            Swapping.name: swapping,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the report."""
        return (OURS, *self.ways)

    @property
    def device_name(self) -> str:
        """As its maker calls it."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"

    @property
    def dtype_name(self) -> str:
        """Without its library."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def torch_version(self) -> str:
        """With the build."""
        return str(torch.__version__)

    @asynccontextmanager
    async def opened(self, name: str) -> AsyncIterator[Bench]:
        """A maker that has made nothing yet."""
        pipeline = pipeline_of(self.scale, self.device, self.dtype)
        try:
            if name == OURS:
                components = components_of(pipeline, "random", self.device, self.dtype)
                fresh = Path(mkdtemp(dir=self.directory))
                async with opened_ours(components, self.avatars, self.scale, fresh) as ours:
                    yield Bench(ours, self.scale, self.device)
                del components, ours
            else:
                peer = DiffusersMaker(pipeline, self.ways[name](), self.avatars, self.scale)
                yield Bench(peer, self.scale, self.device)
                del peer
        finally:
            del pipeline
            gc.collect()
            torch.cuda.empty_cache()


def device_here() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


@contextmanager
def opened_runs(scale: Scale, device: torch.device, directory: Path) -> Iterator[Runs]:
    """Avatars are there while the block lasts."""
    diffusers_logging.set_verbosity_error()
    # diffusers' schedulers, since numpy 2.
    warnings.filterwarnings("ignore", message="__array__ implementation")
    # peft's, of a second adapter, which is what one wants.
    warnings.filterwarnings("ignore", message="Already found a `peft_config`")
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    files = directory / "avatars"
    files.mkdir()
    with served_avatars(files, scale, Targets(unet_linears(scale), ({}, {}))) as avatars:
        yield Runs(scale, device, dtype, avatars, directory)

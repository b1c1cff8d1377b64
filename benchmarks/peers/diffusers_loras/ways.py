"""The ways in which a pipeline of diffusers gets from one avatar's weights to the next.

https://huggingface.co/docs/diffusers/using-diffusers/load_adapters and
https://huggingface.co/docs/diffusers/using-diffusers/merge_loras
"""

from pathlib import Path
from typing import Protocol

from diffusers import StableDiffusionXLPipeline

_ADAPTER = "avatar"


class Way(Protocol):
    """Called before the images of an avatar that is not the one before."""

    name: str

    def change(self, pipeline: StableDiffusionXLPipeline, file: Path, scale: float) -> None:
        """From here on the weights in the file count, and no others."""
        ...


class Unloading:
    """Load and activate; before the next one, unload."""

    name = "diffusers, load and unload"

    def __init__(self) -> None:
        self._loaded = False

    def change(self, pipeline: StableDiffusionXLPipeline, file: Path, scale: float) -> None:
        if self._loaded:
            pipeline.unload_lora_weights()
        _load(pipeline, file)
        pipeline.set_adapters([_ADAPTER], [scale])
        self._loaded = True


class Deleting:
    """Load and activate under a new name, and delete the one before: its layers stay wrapped."""

    name = "diffusers, set_adapters"

    def __init__(self) -> None:
        self._count = 0

    def change(self, pipeline: StableDiffusionXLPipeline, file: Path, scale: float) -> None:
        before, self._count = f"{_ADAPTER}-{self._count}", self._count + 1
        name = f"{_ADAPTER}-{self._count}"
        _load(pipeline, file, name)
        pipeline.set_adapters([name], [scale])
        if self._count > 1:
            pipeline.delete_adapters(before)


class Fusing:
    """Load and fuse into the model, whose steps then cost nothing more; before the next, unfuse.

    What is unfused is not quite what it was before.
    """

    name = "diffusers, fuse and unfuse"

    def __init__(self) -> None:
        self._fused = False

    def change(self, pipeline: StableDiffusionXLPipeline, file: Path, scale: float) -> None:
        if self._fused:
            pipeline.unfuse_lora()
            pipeline.unload_lora_weights()
        _load(pipeline, file)
        pipeline.fuse_lora(lora_scale=scale)
        self._fused = True


class Swapping:
    """Load into the layers of the one before. Only for weights that leave text encoders alone."""

    name = "diffusers, hotswap"

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self._loaded = False

    def change(self, pipeline: StableDiffusionXLPipeline, file: Path, scale: float) -> None:
        if not self._loaded:
            pipeline.enable_lora_hotswap(target_rank=self._rank)
        _load(pipeline, file, hotswap=self._loaded)
        pipeline.set_adapters([_ADAPTER], [scale])
        self._loaded = True


def _load(
    pipeline: StableDiffusionXLPipeline, file: Path, name: str = _ADAPTER, *, hotswap: bool = False
) -> None:
    pipeline.load_lora_weights(
        file.parent, weight_name=file.name, adapter_name=name, hotswap=hotswap
    )

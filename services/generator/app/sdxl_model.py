"""The engine's parts from its settings. Needs torch, and takes its time."""

from dataclasses import dataclass
from pathlib import Path

import torch

from services.generator.app.sdxl_loading import CannotLoad
from services.generator.sdxl.components import Components, load_components, targets_of
from services.generator.sdxl.engine import Engine
from services.generator.sdxl.limits import EngineLimits
from services.generator.sdxl.loras.fetching.links import Reach
from services.generator.sdxl.loras.library import Library, LibraryPlan, open_library
from services.generator.sdxl.loras.reading.limits import ReadLimits
from services.generator.settings.sdxl import SdxlSettings


@dataclass(frozen=True, slots=True)
class Built:
    """An engine that has not started yet, and where its LoRAs come from."""

    engine: Engine
    library: Library


def build(settings: SdxlSettings, directory: Path) -> Built:
    """Read the model and open the library in this directory. Raises NoPicture."""
    if settings.sdxl_torch_threads is not None:
        torch.set_num_threads(settings.sdxl_torch_threads)
    components = _components(settings)
    library = _library(settings, directory, components)
    return Built(Engine(components, library, _limits(settings)), library)


def _components(settings: SdxlSettings) -> Components:
    device = _device(settings)
    return load_components(
        settings.sdxl_model,
        device,
        _dtype(settings, device),
        variant=settings.sdxl_variant,
        revision=settings.sdxl_revision,
        config=settings.sdxl_config,
    )


def _device(settings: SdxlSettings) -> str:
    has_gpu = torch.cuda.is_available()
    if settings.sdxl_device == "cuda" and not has_gpu:
        raise CannotLoad("SDXL_DEVICE", "cuda is asked for, but torch finds no GPU")
    if settings.sdxl_device != "auto":
        return settings.sdxl_device
    return "cuda" if has_gpu else "cpu"


def _dtype(settings: SdxlSettings, device: str) -> str:
    if settings.sdxl_dtype != "auto":
        return settings.sdxl_dtype
    return "float16" if device == "cuda" else "float32"


def _library(settings: SdxlSettings, directory: Path, components: Components) -> Library:
    plan = LibraryPlan(
        directory=directory,
        reach=Reach(settings.sdxl_lora_hosts, loopback=settings.sdxl_lora_allow_http_loopback),
        reading=ReadLimits(
            file_bytes=settings.sdxl_lora_max_bytes,
            rank=settings.sdxl_max_rank,
            reduces=settings.sdxl_larger_rank == "reduce",
        ),
        disk_bytes=settings.sdxl_lora_cache_bytes,
        memory_bytes=settings.sdxl_lora_memory_bytes,
    )
    try:
        return open_library(plan, targets_of(components))
    except OSError as exc:
        raise CannotLoad("SDXL_LORA_CACHE_DIR", f"{directory}: {exc.strerror or exc}") from exc


def _limits(settings: SdxlSettings) -> EngineLimits:
    return EngineLimits(
        slots=settings.sdxl_slots,
        rank=settings.sdxl_max_rank,
        batch=settings.sdxl_max_batch,
        # Until its first step, what will run next waits as well.
        waiting=settings.sdxl_orders_in_hand,
        compiled=settings.sdxl_sizes_to_compile,
    )

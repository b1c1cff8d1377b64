"""Our own engine from its settings, for the provider and for the worker alike."""

import importlib.util
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from services.generator.app.sdxl_loading import (
    MODEL,
    LoadingEngine,
    in_thread_of_its_own,
    loading,
)
from services.generator.app.sdxl_metrics import Done, EngineMetrics
from services.generator.sdxl.wishes import ImageEngine
from services.generator.settings.sdxl import SdxlSettings
from shared.settings import fail_misconfigured

if TYPE_CHECKING:
    from services.generator.app.sdxl_model import Built

# They write to stderr by themselves, between the lines of our log.
_QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
_NEEDED = ("torch", "diffusers", "transformers", "safetensors")


@asynccontextmanager
async def open_engine(
    settings: SdxlSettings, registry: CollectorRegistry | None = None
) -> AsyncIterator[LoadingEngine]:
    """An engine at once; its model loads in the background, and closes with the block.

    Its figures are in `registry` for as long.

    Exits where its libraries are not installed.
    """
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise fail_misconfigured(MODEL, f"needs {missing[0]}: install atelier[generator-sdxl]")
    async with AsyncExitStack() as stack:
        directory = settings.sdxl_lora_cache_dir
        if directory is None:
            ours = tempfile.TemporaryDirectory(prefix="atelier-loras-", ignore_cleanup_errors=True)
            directory = Path(stack.enter_context(ours))
        before = loading(
            settings.sdxl_model,
            settings.sdxl_device,
            settings.sdxl_slots,
            settings.sdxl_orders_in_hand,
        )
        metrics = EngineMetrics()
        engine = LoadingEngine(partial(_load, settings, directory, stack, metrics), before)
        metrics.health = engine.health
        stack.push_async_callback(engine.close)
        if registry is not None:
            registry.register(metrics)
            stack.callback(registry.unregister, metrics)
        yield engine


async def _load(
    settings: SdxlSettings, directory: Path, stack: AsyncExitStack, metrics: EngineMetrics
) -> ImageEngine:
    built = await in_thread_of_its_own(partial(_build, settings, directory))
    stack.push_async_callback(built.library.close)
    stack.push_async_callback(built.engine.close)
    await built.engine.start()
    metrics.done = Done(built.engine.figures, built.library.figures)
    return built.engine


def _build(settings: SdxlSettings, directory: Path) -> "Built":
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    # Reading torch and diffusers alone takes seconds: nobody waits for that.
    from services.generator.app.sdxl_model import build  # noqa: PLC0415

    return build(settings, directory)

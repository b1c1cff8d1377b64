"""The node: a model and its text encoders with an avatar's weights.

Whatever of ComfyUI and PyTorch it needs is imported when it runs.
"""

import importlib
import os
from pathlib import Path
from typing import Any, ClassVar

from .cache import WeightsCache
from .failures import LoraDownloadFailed, LoraLoadFailed
from .options import OptionsError, options_from
from .weights_file import modules_in


class LoraFromLink:
    """Fails rather than let through a model without the avatar's weights."""

    CATEGORY: ClassVar[str] = "loaders"
    FUNCTION: ClassVar[str] = "apply"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("MODEL", "CLIP")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI calls it so
        """The inputs, in ComfyUI's words."""
        strength = {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}
        return {
            "required": {
                "model": ("MODEL",),
                "clip": ("CLIP",),
                "link": ("STRING", {"default": ""}),
                "strength": ("FLOAT", strength),
            }
        }

    def apply(self, model: Any, clip: Any, link: str, strength: float) -> tuple[Any, Any]:
        """Copies of both with the weights. Raises LoraDownloadFailed and LoraLoadFailed."""
        path = _cache().weights(link)
        modules = modules_in(path)
        try:
            weights = importlib.import_module("comfy.utils").load_torch_file(
                str(path), safe_load=True
            )
        except Exception as exc:  # noqa: BLE001 - whatever a file provokes, it is the file's fault
            raise LoraLoadFailed(type(exc).__name__) from None
        _check_finite(weights)
        return _with(model, clip, weights, modules, strength)


def _cache() -> WeightsCache:
    models = Path(importlib.import_module("folder_paths").models_dir)
    try:
        return WeightsCache(options_from(os.environ, models / "atelier_loras"))
    except OptionsError as exc:
        raise LoraDownloadFailed(str(exc)) from None


def _check_finite(weights: dict[str, Any]) -> None:
    torch = importlib.import_module("torch")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise LoraLoadFailed("a tensor is not finite")


def _with(
    model: Any, clip: Any, weights: dict[str, Any], modules: int, strength: float
) -> tuple[Any, Any]:
    lora = importlib.import_module("comfy.lora")
    convert = importlib.import_module("comfy.lora_convert").convert_lora
    keys = lora.model_lora_keys_clip(clip.cond_stage_model, {})
    keys = lora.model_lora_keys_unet(model.model, keys)
    patches = lora.load_lora(convert(weights), keys)
    # ComfyUI only warns of what does not fit, and would paint somebody else.
    if len(patches) < modules:
        raise LoraLoadFailed(f"{len(patches)} of {modules} layers fit this checkpoint")
    with_model, with_clip = model.clone(), clip.clone()
    fit = {*with_model.add_patches(patches, strength), *with_clip.add_patches(patches, strength)}
    if len(fit) < len(patches):
        raise LoraLoadFailed(f"{len(fit)} of {len(patches)} layers fit this checkpoint")
    return with_model, with_clip

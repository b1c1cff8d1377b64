"""A ComfyUI node that loads a LoRA from a link (docs/comfyui.md)."""

from .node import LoraFromLink

NODE_CLASS_MAPPINGS = {"AtelierLoraFromLink": LoraFromLink}
NODE_DISPLAY_NAME_MAPPINGS = {"AtelierLoraFromLink": "LoRA from a link (Atelier)"}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]

"""Every provider by its name in the settings."""

from services.generator.app.parts import Built, Parts
from services.generator.settings import ProviderName, ProviderSettings

# ruff: noqa: PLC0415 - a vendor's SDK takes tens of megabytes: only who is asked is loaded


async def open_provider(name: ProviderName, settings: ProviderSettings, parts: Parts) -> Built:
    """Build it; what it opens closes with `parts.stack`. Exits where a setting cannot be used."""
    match name:
        case "preview":
            from services.generator.app.preview import open_preview

            return await open_preview(settings, parts)
        case "sdxl_local":
            from services.generator.app.sdxl_local import open_sdxl_local

            return await open_sdxl_local(settings, parts)
        case "modal_sdxl_lora":
            from services.generator.app.modal import open_modal

            return await open_modal(settings, parts)
        case "comfyui":
            from services.generator.app.comfyui import open_comfyui

            return await open_comfyui(settings, parts)
        case "replicate":
            from services.generator.app.replicate import open_replicate

            return await open_replicate(settings, parts)
        case "openai_images":
            from services.generator.app.openai_images import open_openai_images

            return await open_openai_images(settings, parts)

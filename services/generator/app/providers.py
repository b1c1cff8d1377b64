"""Every provider by its name in the settings."""

from services.generator.app.comfyui import open_comfyui
from services.generator.app.modal import open_modal
from services.generator.app.openai_images import open_openai_images
from services.generator.app.parts import Built, Parts
from services.generator.app.preview import open_preview
from services.generator.app.replicate import open_replicate
from services.generator.settings import ProviderName, ProviderSettings


async def open_provider(name: ProviderName, settings: ProviderSettings, parts: Parts) -> Built:
    """Build it; what it opens closes with `parts.stack`. Exits where a setting cannot be used."""
    match name:
        case "preview":
            return await open_preview(settings, parts)
        case "modal_sdxl_lora":
            return await open_modal(settings, parts)
        case "comfyui":
            return await open_comfyui(settings, parts)
        case "replicate":
            return await open_replicate(settings, parts)
        case "openai_images":
            return await open_openai_images(settings, parts)

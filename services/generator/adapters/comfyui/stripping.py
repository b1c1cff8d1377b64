"""Take everything out of an image file that is no picture, without decoding it.

ComfyUI writes the whole workflow into the files it saves: the prompt, and the link to the weights.
"""

from services.generator.adapters.comfyui.jpeg import stripped_jpeg
from services.generator.adapters.comfyui.png import stripped_png
from services.generator.adapters.comfyui.webp import stripped_webp
from services.generator.domain.failures import ProviderFailure


def stripped(data: bytes) -> bytes:
    """The same picture, bit by bit, and nothing else. Raises ProviderFailure: not an image."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return stripped_png(data)
        if data.startswith(b"\xff\xd8"):
            return stripped_jpeg(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return stripped_webp(data)
    except ValueError as exc:
        raise ProviderFailure("BAD_RESPONSE", f"not a whole image: {exc}") from exc
    raise ProviderFailure("BAD_RESPONSE", "neither PNG nor JPEG nor WebP")

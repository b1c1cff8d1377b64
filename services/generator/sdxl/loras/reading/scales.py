"""How strongly a pair counts: alpha over rank, where alpha may stand in three places."""

import math
from collections.abc import Mapping
from typing import Any

from services.generator.sdxl.loras.reading.names import Part, Place
from services.generator.sdxl.loras.refusals import shown, unusable
from shared import strict_json

_CONFIG = "lora_adapter_metadata"
_PREFIXES: Mapping[Part, str] = {
    Part.UNET: "unet.",
    Part.FIRST_ENCODER: "text_encoder.",
    Part.SECOND_ENCODER: "text_encoder_2.",
}


class Scales:
    """What diffusers notes about an adapter in a file's metadata: peft's settings by part."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        told = _told(metadata.get(_CONFIG, "{}"))
        self._parts = {part: _settings_of(told, prefix) for part, prefix in _PREFIXES.items()}
        if not any(self._parts.values()):
            # As the UNet's own saving leaves it: no prefix, no other part.
            self._parts[Part.UNET] = told

    def scale(self, place: Place, rank: int, alpha: float | None) -> float:
        """Factor of `up @ down`; `alpha` is what a tensor of the file says. Raises NoPicture."""
        settings = self._parts[place.part]
        by = math.sqrt(rank) if settings.get("use_rslora") is True else rank
        return (_declared(settings, place, rank) if alpha is None else alpha) / by


def _told(text: str) -> Mapping[str, Any]:
    try:
        told = strict_json.parse(text.encode())
    except (strict_json.StrictJsonError, UnicodeEncodeError):
        told = None
    if not isinstance(told, dict):
        raise unusable(f"The metadata is damaged: {shown(_CONFIG)} is no JSON object.")
    return told


def _settings_of(told: Mapping[str, Any], prefix: str) -> Mapping[str, Any]:
    return {
        name.removeprefix(prefix): value for name, value in told.items() if name.startswith(prefix)
    }


def _declared(settings: Mapping[str, Any], place: Place, rank: int) -> float:
    patterns = settings.get("alpha_pattern") or {}
    if not isinstance(patterns, dict):
        raise unusable("The metadata is damaged: alpha_pattern is no object.")
    for pattern, alpha in patterns.items():
        if _fits(pattern, place.path):
            return _number(alpha)
    return _number(settings.get("lora_alpha", rank))


def _fits(pattern: str, path: str) -> bool:
    """Whether a module is meant. A stranger's regular expression is not run here."""
    plain = pattern.removeprefix("^").replace("\\.", ".")
    if not plain.replace(".", "").replace("_", "").isalnum():
        raise unusable(f"A pattern of modules is not supported: {shown(pattern)}.")
    return path == plain or path.endswith(f".{plain}")


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 2**31:
        raise unusable("The metadata is damaged: an alpha is no number.")
    return float(value)

"""A picture in the words of the contract."""

import base64
import json
from typing import Any

from services.generator.sdxl.wishes import AppliedLora, Picture

_VERSION_DIGITS = 12


def answer_of(picture: Picture) -> dict[str, Any]:
    """The answer to an order. Takes its time: an image has megabytes."""
    return {
        "image_base64": base64.b64encode(picture.png).decode("ascii"),
        "image_size": f"{picture.width}x{picture.height}",
        "generation_time_seconds": round(picture.duration_s, 3),
        "model_info": {"base_model": picture.base_model, **_lora_info(picture.lora)},
        "metadata": {
            "seed_used": picture.seed,
            "actual_steps": picture.steps,
            "actual_cfg": picture.cfg,
        },
    }


def answer_bytes(picture: Picture) -> bytes:
    """The same as JSON."""
    return json.dumps(answer_of(picture), separators=(",", ":")).encode("ascii")


def _lora_info(lora: AppliedLora | None) -> dict[str, Any]:
    if lora is None:
        return {"lora_applied": False, "lora_version": None, "lora_scale": 0.0}
    version = lora.sha256[:_VERSION_DIGITS]
    return {"lora_applied": True, "lora_version": version, "lora_scale": lora.scale}

"""Recognises for which other model a LoRA was made, so that its maker hears more than a key."""

from collections.abc import Iterable, Iterator, Mapping

from services.generator.sdxl.loras.reading.header import Entry

_WIDTHS: Mapping[int, str] = {
    768: "Stable Diffusion 1.x",
    1024: "Stable Diffusion 2.x",
    1280: "the refiner of SDXL",
}
"""Width of what the text encoders tell the UNet; SDXL's base has 2048."""

_MARKS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("double_blocks", "single_blocks", "single_transformer_blocks"), "Flux"),
    (("joint_blocks", "joint_transformer_blocks"), "Stable Diffusion 3"),
    (("transformer.transformer_blocks",), "Flux or Stable Diffusion 3"),
)
_DOWN = ("lora_down.weight", "lora_A.weight", "lora.down.weight")


def other_family(entries: Iterable[Entry], width: int | None) -> str | None:
    """The model that the names and shapes speak of, where it is not one of ours.

    `width`: what the cross-attention of our UNet takes in.
    """
    known = tuple(entries)
    for marks, family in _MARKS:
        if any(mark in entry.name for entry in known for mark in marks):
            return family
    for found in _cross_attention_widths(known):
        if found != width and found in _WIDTHS:
            return _WIDTHS[found]
    if any(entry.name.startswith("lora_te_") for entry in known):
        return "Stable Diffusion 1.x or 2.x"
    return None


def _cross_attention_widths(entries: Iterable[Entry]) -> Iterator[int]:
    for entry in entries:
        listens = "attn2" in entry.name and ("to_k" in entry.name or "to_v" in entry.name)
        if listens and entry.name.endswith(_DOWN) and len(entry.shape) > 1:
            yield entry.shape[1]

"""What modules of the UNet are called in Stability's own code, which kohya's files follow.

There all layers of all blocks are counted through: `input_blocks.4.1` is the attention of the
fourth layer on the way down.
"""

import re
from collections.abc import Iterable

_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(attentions|resnets)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(attentions|resnets)\.(\d+)\.(.+)")
_EMBEDDINGS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
_USUAL_LAYERS = 2


def layers_per_block(paths: Iterable[str]) -> int:
    """How many layers a block has on the way down; on the way up it has one more."""
    found = [match for path in paths if (match := _BLOCK.fullmatch(path))]
    counts = (int(one[4]) + (one[1] == "down") for one in found)
    return max(counts, default=_USUAL_LAYERS)


def original_name(path: str, layers: int) -> str | None:
    """The original name of a module, or None where there is none."""
    if match := _BLOCK.fullmatch(path):
        way, block, kind, layer, rest = match.groups()
        number = int(block) * (layers + 1) + int(layer)
        stem = f"input_blocks.{number + 1}" if way == "down" else f"output_blocks.{number}"
        return f"{stem}.{int(kind == 'attentions')}.{_within(rest)}"
    if match := _MIDDLE.fullmatch(path):
        kind, layer, rest = match.groups()
        number = 1 if kind == "attentions" else 2 * int(layer)
        return f"middle_block.{number}.{_within(rest)}"
    return _EMBEDDINGS.get(path)


def _within(rest: str) -> str:
    return "emb_layers.1" if rest == "time_emb_proj" else rest

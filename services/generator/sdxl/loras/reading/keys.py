"""What a tensor's name says: which module, and which part of its change."""

from dataclasses import dataclass
from enum import Enum

from services.generator.sdxl.loras.refusals import shown, unusable


class Role(Enum):
    """A tensor's part in the change of one module."""

    DOWN = "down"
    UP = "up"
    ALPHA = "alpha"


@dataclass(frozen=True, slots=True)
class Key:
    """A module as the file names it, and a role."""

    module: str
    role: Role


_ENDINGS: tuple[tuple[str, Role], ...] = (
    # kohya
    (".lora_down.weight", Role.DOWN),
    (".lora_up.weight", Role.UP),
    (".alpha", Role.ALPHA),
    # peft, as it writes files and as its modules are called
    (".lora_A.weight", Role.DOWN),
    (".lora_B.weight", Role.UP),
    (".lora_A.default.weight", Role.DOWN),
    (".lora_B.default.weight", Role.UP),
    # diffusers, from the newest to the oldest
    (".lora.down.weight", Role.DOWN),
    (".lora.up.weight", Role.UP),
    (".lora_linear_layer.down.weight", Role.DOWN),
    (".lora_linear_layer.up.weight", Role.UP),
    ("_lora.down.weight", Role.DOWN),
    ("_lora.up.weight", Role.UP),
)

_UNSUPPORTED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("hada_",), "LoHa (LyCORIS)"),
    (("lokr_",), "LoKr (LyCORIS)"),
    (("dora_scale", "lora_magnitude_vector"), "DoRA"),
    (("lora_mid",), "LoCon with Tucker decomposition (LyCORIS)"),
    (("oft_", "boft_"), "OFT"),
    (("on_input",), "IA3 (LyCORIS)"),
    (("lora_embedding_", "bundle_emb", "emb_params"), "an embedding"),
    ((".diff", ".diff_b"), "a full difference (LyCORIS)"),
    (("bias",), "a bias"),
)


def read_key(name: str) -> Key:
    """Take a tensor's name apart. Raises NoPicture where it is no LoRA's, naming what it is."""
    for ending, role in _ENDINGS:
        if name.endswith(ending):
            return Key(name.removesuffix(ending), role)
    # In kohya's names the module ends at the first dot; what is behind it says the kind.
    tail = name[name.find(".") :] if name.startswith("lora_") else name
    for marks, kind in _UNSUPPORTED:
        if any(mark in tail for mark in marks):
            raise unusable(f"Not supported is {kind}: {shown(name)}.")
    raise unusable(f"{shown(name)} is not named as a part of a LoRA.")

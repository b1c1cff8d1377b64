"""Every name that a file may call a module by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from services.generator.sdxl.loras.reading.original_names import layers_per_block, original_name
from services.generator.sdxl.weights import Shape, Targets


class Part(IntEnum):
    """A model within the pipeline."""

    UNET = 0
    FIRST_ENCODER = 1
    SECOND_ENCODER = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A linear that may be changed."""

    part: Part
    path: str
    shape: Shape


_JOINED = ("lora_unet_", "lora_te1_", "lora_te2_")
_DOTTED: tuple[tuple[str, Part], ...] = (
    ("unet.", Part.UNET),
    ("diffusion_model.", Part.UNET),
    ("text_encoder.", Part.FIRST_ENCODER),
    ("text_encoder_2.", Part.SECOND_ENCODER),
)
_PEFT = "base_model.model."
_ENCODER = "text_model."
_OLD_ATTENTION = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}


class Names:
    """Finds modules by what files call them: kohya's names in both styles, diffusers', peft's."""

    def __init__(self, targets: Targets) -> None:
        self._joined: dict[str, Place] = {}
        self._dotted: dict[tuple[Part, str], Place] = {}
        layers = layers_per_block(targets.unet)
        for path, shape in targets.unet.items():
            self._add(Place(Part.UNET, path, shape), _unet_names(path, layers))
        encoders = (Part.FIRST_ENCODER, Part.SECOND_ENCODER)
        for part, paths in zip(encoders, targets.text_encoders, strict=True):
            for path, shape in paths.items():
                self._add(Place(part, path, shape), _encoder_names(path))

    def find(self, module: str) -> Place | None:
        """The module that a file means, or None."""
        if "." not in module and module in self._joined:
            return self._joined[module]
        name = module.removeprefix(_PEFT)
        part = Part.UNET
        for prefix, its_part in _DOTTED:
            if name.startswith(prefix):
                name, part = name.removeprefix(prefix).removeprefix(_PEFT), its_part
                break
        return self._dotted.get((part, name.replace(".processor.", ".")))

    @property
    def width(self) -> int | None:
        """What the UNet's cross-attention takes in, where it may be changed."""
        listening = (
            place.shape[1]
            for (part, name), place in self._dotted.items()
            if part is Part.UNET and name.endswith("attn2.to_k")
        )
        return next(listening, None)

    def called_by_kohya(self) -> Mapping[str, Place]:
        """Kohya's names, whole."""
        return self._joined

    def _add(self, place: Place, names: Iterator[str]) -> None:
        for name in names:
            self._joined[_JOINED[place.part] + name.replace(".", "_")] = place
            self._dotted[place.part, name] = place


def _unet_names(path: str, layers: int) -> Iterator[str]:
    yield path
    if path.endswith(".to_out.0"):
        yield path.removesuffix(".0")
    if (original := original_name(path, layers)) is not None:
        yield original


def _encoder_names(path: str) -> Iterator[str]:
    """With and without the outer module, which not every version of the library has."""
    bare = path.removeprefix(_ENCODER)
    stem, _, last = bare.rpartition(".")
    for prefix in ("", _ENCODER):
        yield prefix + bare
        if last in _OLD_ATTENTION:
            yield f"{prefix}{stem}.{_OLD_ATTENTION[last]}"

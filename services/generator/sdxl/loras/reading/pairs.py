"""Puts a file's tensors together: a pair of matrices for each module, of the right shapes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.generator.sdxl.loras.reading.families import other_family
from services.generator.sdxl.loras.reading.header import Entry, Header
from services.generator.sdxl.loras.reading.keys import Role, read_key
from services.generator.sdxl.loras.reading.names import Names, Place
from services.generator.sdxl.loras.refusals import shown, unusable
from services.generator.sdxl.wishes import NoPicture


@dataclass(frozen=True, slots=True)
class Pair:
    """A module's change as the file has it."""

    place: Place
    down: Entry
    up: Entry
    alpha: Entry | None

    @property
    def rank(self) -> int:
        """Rows of `down`."""
        return self.down.shape[0]


def read_pairs(header: Header, names: Names) -> tuple[Pair, ...]:
    """All pairs of a file. Raises NoPicture, naming the first tensor that is wrong."""
    try:
        return tuple(_pairs(header, names))
    except NoPicture as refusal:
        family = other_family(header.entries, names.width)
        if family is None:
            raise
        raise unusable(f"This LoRA is for {family}, not SDXL. {refusal.detail}") from None


def _pairs(header: Header, names: Names) -> Iterator[Pair]:
    for place, roles in _by_place(header, names).items():
        first = next(iter(roles.values()))
        if Role.DOWN not in roles or Role.UP not in roles:
            raise unusable(f"{shown(first.name)} lacks its counterpart: the pair is not whole.")
        pair = Pair(place, roles[Role.DOWN], roles[Role.UP], roles.get(Role.ALPHA))
        _check(pair)
        yield pair


def _by_place(header: Header, names: Names) -> Mapping[Place, Mapping[Role, Entry]]:
    # All names are read before any is looked up: what kind of file it is says the most.
    keys = [(entry, read_key(entry.name)) for entry in header.entries]
    convolutions = {key.module for entry, key in keys if _is_convolution(entry)}
    found: dict[Place, dict[Role, Entry]] = {}
    for entry, key in keys:
        if key.module in convolutions:
            raise unusable(f"Not supported is a convolution (LoCon): {shown(entry.name)}.")
        place = names.find(key.module)
        if place is None:
            raise unusable(_unknown(entry, key.module))
        if key.role in found.setdefault(place, {}):
            raise unusable(f"{shown(entry.name)} repeats what another tensor says.")
        found[place][key.role] = entry
    return found


def _is_convolution(entry: Entry) -> bool:
    return len(entry.shape) == 4 and entry.shape[2:] != (1, 1)


def _unknown(entry: Entry, module: str) -> str:
    if module.removeprefix("base_model.model.").startswith("text_model."):
        return f"{shown(entry.name)} does not say which of the two text encoders it is for."
    return f"{shown(entry.name)} names no linear of this model."


def _check(pair: Pair) -> None:
    outputs, inputs = pair.place.shape
    _check_shape(pair.down, (pair.down.shape[0] if pair.down.shape else 0, inputs))
    _check_shape(pair.up, (outputs, pair.rank))
    if pair.alpha is not None and pair.alpha.shape not in {(), (1,)}:
        raise unusable(f"{shown(pair.alpha.name)} is no single number.")


def _check_shape(entry: Entry, wanted: tuple[int, int]) -> None:
    # Older files have a linear that was once a convolution of 1 x 1 in that form.
    if entry.shape not in {wanted, (*wanted, 1, 1)}:
        raise unusable(
            f"{shown(entry.name)} has the shape {_sized(entry.shape)}, not {_sized(wanted)}."
        )


def _sized(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of a number"

"""A ComfyUI workflow with placeholders, to be filled for every piece."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Value = str | int | float
Values = Mapping[str, Value]

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
NAMES = frozenset(
    {
        "prompt",
        "negative_prompt",
        "seed",
        "steps",
        "cfg",
        "width",
        "height",
        "lora_url",
        "lora_key",
        "lora_name",
        "lora_scale",
        "checkpoint",
    }
)
LORA_NAMES = frozenset({"lora_url", "lora_key"})
"""What names an avatar's weights beyond doubt. Files of several avatars may have one name."""

_MODEL_FIELDS = ("ckpt_name", "unet_name")


@dataclass(frozen=True, slots=True)
class Place:
    """An input of a node."""

    node: str
    input: str

    def __str__(self) -> str:
        return f"{self.node}.inputs.{self.input}"


@dataclass(frozen=True, slots=True)
class Workflow:
    """Nodes in the API's format. The image is what the node `output` saves."""

    nodes: Mapping[str, Any]
    output: str

    @property
    def used(self) -> frozenset[str]:
        """The placeholders in it."""
        return frozenset(name for _, text in strings_in(self.nodes) for name in names_in(text))

    @property
    def keeps_likeness(self) -> bool:
        """Whether it applies the avatar's weights."""
        return bool(self.used & LORA_NAMES)

    def places(self, *names: str) -> frozenset[Place]:
        """Where any of these placeholders stands."""
        return frozenset(
            place for place, text in strings_in(self.nodes) if names_in(text) & set(names)
        )

    def number(self, name: str, otherwise: float) -> float:
        """What an input called `name` is set to for every piece."""
        numbers = (held for held in self._set(name) if isinstance(held, int | float))
        return next(numbers, otherwise)

    @property
    def model(self) -> str:
        """The model that it is set to; empty where it names none."""
        names = (held for field in _MODEL_FIELDS for held in self._set(field))
        return next((held for held in names if isinstance(held, str)), "")

    def _set(self, name: str) -> list[Any]:
        held = [node["inputs"].get(name) for node in self.nodes.values()]
        return [one for one in held if one is not None]

    def filled(self, values: Values) -> dict[str, Any]:
        """The nodes with every placeholder replaced, once: what a value says is text, no more."""
        return {
            key: {**node, "inputs": _filled(node["inputs"], values)}
            for key, node in self.nodes.items()
        }


def names_in(text: str) -> set[str]:
    """The placeholders of a text, known or not."""
    return set(PLACEHOLDER.findall(text))


def strings_in(nodes: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Every string in the nodes' inputs, and where it stands."""
    for key, node in nodes.items():
        for name, held in node["inputs"].items():
            for text in _strings(held):
                yield Place(key, name), text


def _strings(held: Any) -> Iterator[str]:
    if isinstance(held, str):
        yield held
    elif isinstance(held, dict | list):
        for part in held.values() if isinstance(held, dict) else held:
            yield from _strings(part)


def _filled(held: Any, values: Values) -> Any:
    if isinstance(held, str):
        return _filled_text(held, values)
    if isinstance(held, dict):
        return {key: _filled(part, values) for key, part in held.items()}
    if isinstance(held, list):
        return [_filled(part, values) for part in held]
    return held


def _filled_text(text: str, values: Values) -> Value:
    whole = PLACEHOLDER.fullmatch(text)
    if whole is not None:
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), text)

"""How much of a list fits one reply."""

from collections.abc import Iterable
from typing import TypeVar

from shared.content import Value

PAGE_BYTES = 160 * 1024
"""Well below the limit of a reply, which is JSON within JSON."""

V = TypeVar("V", bound=Value)


def fitting(values: Iterable[V]) -> tuple[V, ...]:
    """The first of the values that fit a reply together; one always does."""
    shown: list[V] = []
    size = 0
    for value in values:
        size += len(value.model_dump_json().encode())
        if shown and size > PAGE_BYTES:
            break
        shown.append(value)
    return tuple(shown)

"""Read captions from what a model wrote. Whatever is well formed in it counts, and no more."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, StringConstraints, ValidationError
from pydantic_core import from_json

from services.hooks.domain.failures import CopyFailure
from services.hooks.domain.prices import Usage
from services.hooks.domain.sorting import Item

_MOST_CAPTIONS = 50


class _Item(BaseModel):
    id: Annotated[str, StringConstraints(strict=True, max_length=64)]
    captions: tuple[Annotated[str, StringConstraints(strict=True)], ...]


def read_items(text: str, usage: Usage) -> tuple[Item, ...]:
    """The items of an answer; one that was cut off has those that came before the cut.

    Raises CopyFailure MALFORMED where there is no list of items at all.
    """
    try:
        document = from_json(text, allow_partial=True)
    except ValueError:
        raise CopyFailure("MALFORMED", "no JSON", usage=usage) from None
    items = document.get("pictures") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise CopyFailure("MALFORMED", "no list of pictures", usage=usage)
    return tuple(_well_formed(items))


def _well_formed(items: list[object]) -> Iterator[Item]:
    for each in items:
        try:
            item = _Item.model_validate(each)
        except ValidationError:
            continue
        yield Item(item.id, item.captions[:_MOST_CAPTIONS])

"""The shape of every fact as it was last published: where it lies, how it is named, its fields."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.pages.asyncapi.addresses import address
from docs.pages.asyncapi.schemas import payload_of
from shared import wire
from shared.events import Fact
from tests.contracts.additive import breaking_changes

DIRECTORY = Path(__file__).with_name("schemas")
_TALK = frozenset({"title", "description", "examples"})

Shape = Mapping[str, Any]


def path_of(fact: type[Fact]) -> Path:
    return DIRECTORY / f"{fact.NAME}.v{fact.VERSION}.json"


def shape_of(fact: type[Fact]) -> Shape:
    """What a fact looks like to those who exchange it, without words for people."""
    schema = payload_of(fact).model_json_schema()
    return {
        "type": wire.event_type(fact),
        "subject": address(fact),
        "schema": _plain(schema, schema.get("$defs", {})),
    }


def published(fact: type[Fact]) -> Shape | None:
    """The shape that was committed; None for a fact that is new."""
    path = path_of(fact)
    return json.loads(path.read_text()) if path.exists() else None


def broken_promises(old: Shape, new: Shape) -> Iterator[str]:
    """Every change of a fact that is not additive."""
    for name in ("type", "subject"):
        if old[name] != new[name]:
            yield f"its {name} was {old[name]}, is {new[name]}"
    yield from breaking_changes(old["schema"], new["schema"])


def _plain(schema: Any, known: Mapping[str, Any]) -> Any:
    """The same schema with every reference replaced by what it refers to."""
    if isinstance(schema, list):
        return [_plain(each, known) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        referred = known[schema["$ref"].rpartition("/")[2]]
        return _plain(referred | {k: v for k, v in schema.items() if k != "$ref"}, known)
    return {
        key: _properties(value, known) if key == "properties" else _plain(value, known)
        for key, value in schema.items()
        if key not in _TALK | {"$defs"}
    }


def _properties(fields: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    # A field may be called like one of the words that are left out.
    return {name: _plain(field, known) for name, field in fields.items()}

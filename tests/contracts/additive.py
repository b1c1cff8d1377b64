"""What has changed between two JSON schemas of a fact that an old fact or an old reader would mind.

Additive is: a new optional field, a wider bound, one more value of an enumeration. The latter two
are safe as long as whoever reads is rolled out before whoever writes. Everything else is a new
version of the fact.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

# A bound, and whether a greater value of it lets less through.
_BOUNDS = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
}
_FIXED = ("format", "pattern", "multipleOf")


def breaking_changes(old: Schema, new: Schema, at: str = "") -> Iterator[str]:
    """Name everything in `new` that is not additive to `old`, with the place where it is."""
    place = at or "the fact"
    if old.get("default") != new.get("default"):
        yield f"{place} means something else where it is left out"
    before, now = _kinds(old), _kinds(new)
    if before.keys() != now.keys():
        yield f"{place} was {_named(before)}, is {_named(now)}"
        return
    for kind, schema in before.items():
        yield from _narrowings(schema, now[kind], place)
        yield from _fields(schema, now[kind], at)
        yield from _contents(schema, now[kind], at)


def _kinds(schema: Schema) -> dict[str, Schema]:
    """The alternatives of a schema by JSON type; a schema without a type allows anything."""
    return {str(each.get("type", "anything")): each for each in schema.get("anyOf", (schema,))}


def _named(kinds: Mapping[str, Schema]) -> str:
    return " or ".join(sorted(kinds))


def _narrowings(old: Schema, new: Schema, place: str) -> Iterator[str]:
    gone = sorted(map(str, _choices(old) - _choices(new)))
    if gone:
        yield f"{place} can no longer be {', '.join(gone)}"
    if _choices(new) and not _choices(old):
        yield f"{place} is now one of a few values"
    for bound, greater_is_narrower in _BOUNDS.items():
        before, now = old.get(bound), new.get(bound)
        if now is None or now == before:
            continue
        if before is None or (now > before) is greater_is_narrower:
            yield f"{place} has a narrower {bound}: {now}"
    for rule in _FIXED:
        if new.get(rule) not in {None, old.get(rule)}:
            yield f"{place} has another {rule}: {new[rule]}"


def _choices(schema: Schema) -> set[object]:
    return {schema["const"]} if "const" in schema else set(schema.get("enum", ()))


def _fields(old: Schema, new: Schema, at: str) -> Iterator[str]:
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in sorted(before.keys() - now.keys()):
        yield f"{_inside(at, name)} is gone"
    was_needed, is_needed = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(is_needed - was_needed):
        yield f"{_inside(at, name)} is newly required"
    # Who reads today relies on it.
    for name in sorted(was_needed - is_needed):
        yield f"{_inside(at, name)} is no longer promised"
    for name in sorted(before.keys() & now.keys()):
        yield from breaking_changes(before[name], now[name], _inside(at, name))


def _contents(old: Schema, new: Schema, at: str) -> Iterator[str]:
    """Changes to what lists and maps hold."""
    for part in {"items", "additionalProperties"} & (old.keys() | new.keys()):
        before, now = old.get(part, True), new.get(part, True)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            yield from breaking_changes(before, now, f"{at}[]")
        elif before != now:
            yield f"{at or 'the fact'} holds other {part}"


def _inside(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name

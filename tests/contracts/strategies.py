"""Hypothesis strategies for our values, derived from their fields and constraints."""

import types
from collections.abc import Iterable
from datetime import UTC
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

_LARGE = 2**53
_BOUNDS = ("ge", "le", "lt", "multiple_of", "pattern", "min_length")
_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-_LARGE, _LARGE) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)


def values(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any instance of a model, optional fields given or not."""
    fields = model.model_fields.items()
    must = {name: _field(field) for name, field in fields if field.is_required()}
    may = {name: _field(field) for name, field in fields if not field.is_required()}
    return st.fixed_dictionaries(must, optional=may).map(model.model_validate)


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return _of(field.annotation, _bounds(field.metadata))


def _bounds(rules: Iterable[Any]) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    for rule in rules:
        if isinstance(rule, FieldInfo):
            bounds |= _bounds(rule.metadata)
        for name in _BOUNDS:
            if getattr(rule, name, None) is not None:
                bounds[name] = getattr(rule, name)
    return bounds


def _of(kind: Any, bounds: dict[str, Any]) -> st.SearchStrategy[Any]:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of(*(_of(arg, bounds) for arg in args))
    if origin is tuple:
        least = bounds.get("min_length", 0)
        return st.lists(_of(args[0], {}), min_size=least, max_size=3).map(tuple)
    if origin is dict:
        inner = _JSON if args[1] in {Any, object} else _of(args[1], {})
        return st.dictionaries(_TEXT, inner, max_size=3)
    if origin is Literal:
        return st.sampled_from(args)
    if hasattr(kind, "__metadata__"):
        return _of(args[0], _bounds(kind.__metadata__))
    return _plain(kind, bounds)


def _plain(kind: Any, bounds: dict[str, Any]) -> st.SearchStrategy[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return values(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if kind is str and "pattern" in bounds:
        return st.from_regex(bounds["pattern"].replace("$", r"\Z"))
    plain = {
        types.NoneType: st.none(),
        bool: st.booleans(),
        str: _TEXT,
        int: _integers(bounds),
        float: st.floats(bounds.get("ge", -1e9), bounds.get("le", 1e9)),
        AwareDatetime: st.datetimes(timezones=st.just(UTC)),
    }
    return plain[kind]


def _integers(bounds: dict[str, Any]) -> st.SearchStrategy[int]:
    step = bounds.get("multiple_of", 1)
    low = int(bounds.get("ge", -_LARGE))
    high = int(bounds.get("le", bounds.get("lt", _LARGE) - ("lt" in bounds)))
    return st.integers(-(-low // step), high // step).map(lambda n: n * step)

"""The settings of every service, read off their models."""

import types
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AnyHttpUrl, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from services.generator.settings.sdxl import SdxlSettings
from services.generator.settings.worker import WorkerSettings
from shared.content import Tier
from shared.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "generator", "hooks", "safety", "storage", "ledger")

_INTRODUCTION = """\
# Settings

Written by `python -m docs.generate` from the settings models. All settings are environment
variables. A missing or wrong one stops the service before it is ready, with exit status 2 and
its name.
"""


_ALSO_THE_WORKER = """\
It reads `METRICS_…`, `LOG_LEVEL` and `ENABLE_STRUCTURED_LOGGING` as every service does, and the
generator's `SDXL_…` but for `SDXL_LOCAL_…`.
"""


def settings_of(service: str) -> type[BaseSettings]:
    """The settings model of a service."""
    module = import_module(f"services.{service}.settings")
    (model,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value.__module__ == module.__name__
    )
    return model


def settings_page() -> str:
    """`settings.md`, whole."""
    parts = [_INTRODUCTION, _section("Every service", ServiceSettings, known=set())]
    known = set(ServiceSettings.model_fields)
    parts += [_section(name.capitalize(), settings_of(name), known=known) for name in SERVICES]
    known |= set(SdxlSettings.model_fields)
    parts += [_section("Image worker", WorkerSettings, known=known), _ALSO_THE_WORKER]
    return "\n".join(parts)


def _section(title: str, model: type[BaseSettings], *, known: set[str]) -> str:
    rows = [
        f"| `{name.upper()}` | {_kind(field)} | {_default(field)} | {field.description}"
        f"{_example(field)} |"
        for name, field in model.model_fields.items()
        if name not in known
    ]
    return "\n".join(
        [
            f"## {title}",
            "",
            "| setting | kind | default | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _kind(field: FieldInfo) -> str:
    return _name_of(field.annotation)


def _name_of(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _name_of(inner[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in {Union, types.UnionType}:
        return ", ".join(_name_of(each) for each in inner if each is not type(None))
    if origin is tuple:
        return f"list of {_name_of(inner[0])}"
    if isinstance(kind, type) and issubclass(kind, Enum) and kind is not Tier:
        return " or ".join(f"`{value.value}`" for value in kind)
    names = {
        SecretStr: "secret",
        AnyHttpUrl: "URL",
        str: "text",
        bool: "true or false",
        int: "whole number",
        float: "number",
        Decimal: "number",
        Path: "path",
        Tier: "tier",
    }
    return names[kind]


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None or field.default in ((), ""):
        return "none"
    if isinstance(field.default, Path):
        return f"`{field.default.relative_to(ROOT)}`"
    if isinstance(field.default, tuple):
        return f"`{','.join(str(each) for each in field.default)}`"
    value = str(field.default)
    return f"`{value.lower() if isinstance(field.default, bool) else value}`"


def _example(field: FieldInfo) -> str:
    return f" Example: `{field.examples[0]}`." if field.examples else ""

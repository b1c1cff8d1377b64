"""Read the template file: every entry is checked before the first one is used."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.gateway.domain.templates import Framing, Niche, Scene, Template
from shared.content import Platform, Tier

TEMPLATES_FILE = Path(__file__).parents[1] / "templates.json"
FORMAT = 1

_Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
_Pixels = Annotated[int, Field(ge=512, le=1536, multiple_of=64)]


class TemplateFileError(ValueError):
    """The file cannot be used; the message names it, the templates and the fields at fault."""


def load_templates(path: Path = TEMPLATES_FILE) -> tuple[Template, ...]:
    """Every template of the file, in its order. Reads the disk: keep it off the event loop.

    Raises TemplateFileError that lists everything wrong with the file, not only the first fault.
    """
    entries = _entries(path)
    templates: list[Template] = []
    faults = list(_repeated_ids(entries))
    for place, entry in enumerate(entries):
        try:
            templates.append(_Entry.model_validate(entry).as_template())
        except ValidationError as exc:
            faults.extend(f"{_name(place, entry)}: {fault}" for fault in _faults(exc))
    if faults:
        raise TemplateFileError("\n".join(f"{path}: {fault}" for fault in faults))
    return tuple(templates)


class _Entry(BaseModel):
    """One entry of the file as people write it."""

    # A misspelt field must not pass as an absent one.
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _Slug
    version: int = Field(ge=1)
    category: _Slug
    tier: Tier
    niches: frozenset[Niche] = Field(min_length=1)
    platforms: frozenset[Platform] | None = Field(default=None, min_length=1)
    title: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
    scene: Scene
    framing: Framing
    width: _Pixels
    height: _Pixels
    prompt: _Text
    negative_prompt: _Text

    def as_template(self) -> Template:
        return Template(**{name: getattr(self, name) for name in type(self).model_fields})


def _entries(path: Path) -> list[object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise TemplateFileError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise TemplateFileError(f"{path}: is not JSON: {exc}") from exc
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise TemplateFileError(f'{path}: is not a template file; it needs "format": {FORMAT}')
    entries = document.get("templates")
    if not isinstance(entries, list) or not entries:
        raise TemplateFileError(f'{path}: "templates" must be a list of at least one template')
    return entries


def _repeated_ids(entries: list[object]) -> Iterator[str]:
    ids = Counter(str(entry.get("id")) for entry in entries if isinstance(entry, dict))
    for name, times in ids.items():
        if times > 1:
            yield f"template {name}: field id: used {times} times; every id must be unique"


def _name(place: int, entry: object) -> str:
    named = entry.get("id") if isinstance(entry, dict) else None
    return f"template {named}" if named else f"template number {place + 1}"


def _faults(exc: ValidationError) -> Iterator[str]:
    for error in exc.errors(include_url=False):
        field = ".".join(str(part) for part in error["loc"]) or "(whole entry)"
        yield f"field {field}: {error['msg']}"

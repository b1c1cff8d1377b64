"""The templates in memory, read again when their file changes."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from services.gateway.adapters.template_file import (
    TEMPLATES_FILE,
    TemplateFileError,
    load_templates,
)
from services.gateway.domain.templates import Template
from services.gateway.ports import CachePerformance

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class _Shelf:
    templates: tuple[Template, ...]
    by_id: dict[str, Template]
    version: str
    stamp: tuple[int, int]


class CachedLibrary:
    """Every lookup counts: a hit was answered from memory, a miss had to read the file.

    The file is looked at no more than once a second. A file that turns bad keeps the good one
    in use, and the log says so; a file that is bad from the start raises TemplateFileError.
    """

    def __init__(
        self, path: Path = TEMPLATES_FILE, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._monotonic = monotonic
        self._shelf: _Shelf | None = None
        self._fresh_until = 0.0
        self._reading = asyncio.Lock()
        self._total_calls = 0
        self._misses = 0

    async def all(self) -> Sequence[Template]:
        return (await self._look_up()).templates

    async def get(self, template_id: str) -> Template | None:
        return (await self._look_up()).by_id.get(template_id)

    async def version(self) -> str:
        return (await self._look_up()).version

    @property
    def performance(self) -> CachePerformance:
        return CachePerformance(self._total_calls, self._total_calls - self._misses)

    async def _look_up(self) -> _Shelf:
        self._total_calls += 1
        if self._shelf is not None and self._monotonic() < self._fresh_until:
            return self._shelf
        async with self._reading:
            return await self._look_at_file()

    async def _look_at_file(self) -> _Shelf:
        shelf = self._shelf
        if shelf is not None and self._monotonic() < self._fresh_until:
            return shelf
        if shelf is None or await asyncio.to_thread(_stamp, self._path) != shelf.stamp:
            self._misses += 1
            shelf = await self._read(instead_of=shelf)
        self._shelf = shelf
        self._fresh_until = self._monotonic() + LOOK_EVERY_S
        return shelf

    async def _read(self, *, instead_of: _Shelf | None) -> _Shelf:
        try:
            return await asyncio.to_thread(_read_shelf, self._path)
        except TemplateFileError as exc:
            if instead_of is None:
                raise
            log.warning("templates.unreadable", error=str(exc), kept=instead_of.version)
            # Taken note of, so that the same fault is not read and reported every second.
            return replace(instead_of, stamp=await asyncio.to_thread(_stamp, self._path))


def _read_shelf(path: Path) -> _Shelf:
    # Stamped before reading: a change in between is then seen as one more change.
    stamp = _stamp(path)
    templates = load_templates(path)
    # Of the bytes, so that every replica names the same version.
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return _Shelf(templates, {each.id: each for each in templates}, version, stamp)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)

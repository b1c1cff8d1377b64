"""What the front door needs from the world, as Protocols that tests can fake by hand."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.gateway.domain.templates import Template
from shared.calls import ApiKey
from shared.content import BlobRef
from shared.rpc import Call, Reply, Request


class Ask(Protocol):
    """Asks another service. Raises Problem for refusals and TryLater when nobody answers."""

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply: ...


class Keys(Protocol):
    """Knows the API keys."""

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this public part, or None. Raises TryLater when nobody can tell."""

    def knows(self, key_id: str) -> bool:
        """Whether a key with this public part was found before, as far as is remembered."""

    def forget(self, key_id: str) -> None:
        """Ask anew about this key the next time: it was changed."""


class Completions(Protocol):
    """Hears when tasks complete."""

    def watch(self, tenant: str, task_id: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set when the task completes, or when this process stops waiting.

        Hearing is quick but not certain: who waits also looks from time to time.
        """

    @property
    def is_stopping(self) -> bool:
        """Whether waiting is over for everybody because the process is ending."""


class BrokerLink(Protocol):
    """The connection to the broker."""

    @property
    def is_connected(self) -> bool:
        """Whether requests can be sent at this moment."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A delivered file that may be served; `etag` is quoted, as the header wants it."""

    path: Path
    size: int
    media_type: str
    etag: str


class PassingBytes(Protocol):
    """Private bytes that lie in staging while somebody looks at them. All raise TryLater."""

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        """Keep bytes under this name."""
        ...

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes, checked against their hash. Raises BlobMissing besides."""
        ...

    async def forget(self, name: str) -> None:
        """Delete whatever lies under this name, also what others have put there."""
        ...


class ObjectFiles(Protocol):
    """The delivered objects of the local directory. Methods block: keep them off the loop."""

    def public(self, key: str) -> FoundFile | None:
        """The file that anybody may read under this key."""

    def private(self, key: str) -> FoundFile | None:
        """The file that needs a signed link under this key."""

    def held(self, key: str) -> FoundFile | None:
        """The file that waits for review under this key, and needs a reviewer's link."""

    def data_url(self, found: FoundFile) -> str:
        """The whole file as a data URL."""


@dataclass(frozen=True, slots=True)
class CachePerformance:
    """How often a lookup was answered from memory."""

    total_calls: int
    cache_hits: int

    @property
    def cache_misses(self) -> int:
        return self.total_calls - self.cache_hits

    @property
    def hit_rate_percent(self) -> float:
        return round(100 * self.cache_hits / self.total_calls, 2) if self.total_calls else 0.0


class Library(Protocol):
    """The templates. A lookup that needs the disk happens off the event loop."""

    async def all(self) -> Sequence[Template]:
        """Every template, in the order of the file."""

    async def get(self, template_id: str) -> Template | None:
        """One template."""

    async def version(self) -> str:
        """A token that changes when any template does."""

    @property
    def performance(self) -> CachePerformance:
        """Hits and misses of all lookups since the start."""

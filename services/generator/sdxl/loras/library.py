"""LoRAs by their links: from memory, from the disk, or from the network, whichever is nearest."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path

from services.generator.sdxl.loras.fetching.download import Downloads
from services.generator.sdxl.loras.fetching.links import Link, Reach, read_link
from services.generator.sdxl.loras.fetching.pinned import Pinned, transports
from services.generator.sdxl.loras.figures import Figures
from services.generator.sdxl.loras.keeping.directory import Directory
from services.generator.sdxl.loras.keeping.files import Files, Missing
from services.generator.sdxl.loras.keeping.flights import Flights
from services.generator.sdxl.loras.keeping.known import Known
from services.generator.sdxl.loras.keeping.memory import Memory
from services.generator.sdxl.loras.reading.file import ReadsLoras
from services.generator.sdxl.loras.reading.limits import ReadLimits
from services.generator.sdxl.loras.reading.names import Names
from services.generator.sdxl.loras.refusals import unreachable
from services.generator.sdxl.loras.source import Found, Source
from services.generator.sdxl.weights import LoraWeights, Targets
from services.generator.sdxl.wishes import FailureCode, NoPicture

Reads = Callable[[BufferedReader, str], LoraWeights]
"""Makes weights of an open file with this hash; blocks. Raises NoPicture."""

_READ_AT_ONCE = 2
_MOST_RECENT = 1_000


@dataclass(frozen=True, slots=True)
class LibraryPlan:
    """`fresh_s`: for so long an equal link is not asked again, whoever brings it."""

    directory: Path
    reach: Reach
    reading: ReadLimits = field(default_factory=ReadLimits)
    download_limit_s: float = 120.0
    disk_bytes: int = 20 * 2**30
    memory_bytes: int = 4 * 2**30
    fresh_s: float = 60.0


def open_library(
    plan: LibraryPlan, targets: Targets, *, monotonic: Callable[[], float] = time.monotonic
) -> "Library":
    """A library whose directory is made and cleared of what dead processes left. Blocks."""
    directory = Directory(plan.directory)
    directory.prepare()
    files = Files(directory, plan.disk_bytes)
    known = Known(directory, files)
    known.tidy()
    downloads = Downloads(
        Pinned(transports()), plan.reach, plan.reading.file_bytes, plan.download_limit_s
    )
    reads = ReadsLoras(Names(targets), plan.reading)
    return Library(plan, Source(downloads, files, known), files, reads, monotonic=monotonic)


class Library:
    """Fulfils `LoraLibrary`. Weights are shared: nobody may change them."""

    def __init__(
        self,
        plan: LibraryPlan,
        source: Source,
        files: Files,
        reads: Reads,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._source = source
        self._files = files
        self._reads = reads
        self._monotonic = monotonic
        self._memory = Memory(plan.memory_bytes)
        self._flights: Flights[LoraWeights] = Flights()
        self._recent: dict[str, tuple[float, str]] = {}
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)
        self._figures = Figures()

    async def weights(self, url: str, *, limit_s: float) -> LoraWeights:
        """The weights behind a link. What was begun goes on when the caller's time is over."""
        self._count(asked=1)
        link = read_link(url, self._plan.reach)
        try:
            async with asyncio.timeout(limit_s):
                return await self._flights.join(link.whole, partial(self._brought, link))
        except TimeoutError:
            raise unreachable(f"The weights were not here within {limit_s:.0f} s.") from None

    def figures(self) -> Figures:
        """What was done so far."""
        return replace(self._figures, memory_bytes=self._memory.size_bytes)

    async def close(self) -> None:
        """Stop what is under way; whoever waits for it is cancelled."""
        await self._flights.close()

    async def _brought(self, link: Link) -> LoraWeights:
        sha256 = self._recently(link)
        if sha256 is not None:
            try:
                return await self._read(sha256, fetched=False)
            except Missing:
                self._count(spoiled=1)
        return await self._asked_for(link)

    async def _asked_for(self, link: Link) -> LoraWeights:
        # A second time where the disk has lost what the store says is unchanged.
        for _ in range(2):
            found = await self._found(link)
            try:
                return await self._read(found.sha256, fetched=found.fetched_bytes is not None)
            except Missing:
                self._count(spoiled=1)
        raise unreachable("The worker's disk does not keep the file.")

    async def _found(self, link: Link) -> Found:
        try:
            found = await self._source.find(link)
        except NoPicture:
            self._count(failed_fetches=1)
            raise
        if found.fetched_bytes is None:
            self._count(unchanged=1)
        else:
            self._count(fetched=1, fetched_bytes=found.fetched_bytes)
        self._note(link, found.sha256)
        return found

    async def _read(self, sha256: str, *, fetched: bool) -> LoraWeights:
        kept = self._memory.get(sha256)
        if kept is not None:
            self._count(memory_hits=1)
            return kept
        # Two stores may hold the same bytes.
        weights = await self._flights.join(sha256, partial(self._read_file, sha256))
        self._count(disk_hits=int(not fetched))
        return weights

    async def _read_file(self, sha256: str) -> LoraWeights:
        async with self._reading:
            try:
                weights = await asyncio.to_thread(self._read_blocking, sha256)
            except NoPicture as refusal:
                self._count(refused=int(refusal.code is FailureCode.LORA_LOAD_FAILED))
                raise
        self._memory.put(weights)
        return weights

    def _read_blocking(self, sha256: str) -> LoraWeights:
        try:
            with self._files.open(sha256) as file:
                return self._reads(file, sha256)
        except OSError as exc:
            raise unreachable(f"The worker's disk was no help ({type(exc).__name__}).") from None

    def _recently(self, link: Link) -> str | None:
        asked_at, sha256 = self._recent.get(link.whole, (-self._plan.fresh_s, ""))
        return sha256 if self._monotonic() - asked_at < self._plan.fresh_s else None

    def _note(self, link: Link, sha256: str) -> None:
        if len(self._recent) >= _MOST_RECENT:
            self._recent.clear()
        self._recent[link.whole] = (self._monotonic(), sha256)

    def _count(self, **more: int) -> None:
        so_far = self._figures
        self._figures = replace(
            so_far, **{name: getattr(so_far, name) + by for name, by in more.items()}
        )

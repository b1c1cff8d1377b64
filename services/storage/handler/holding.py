"""Deliver, or hold what was derived until the store is back.

The message is the queue: a delivery is told of once its files are in the store, and until then its
message comes back. Nothing is derived twice for that.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

import structlog

from services.storage.ports import (
    Area,
    DerivedFile,
    Found,
    HeldDeliveries,
    HeldDelivery,
    ObjectMissing,
    ObjectStore,
)
from shared.events import ContentModerated, ContentStored
from shared.outcomes import GiveUp, TryLater

log = structlog.get_logger(__name__)

Deliver = Callable[[ContentModerated], Awaitable[ContentStored]]


@dataclass(frozen=True, slots=True)
class DeliverOrHold:
    """`deliver` makes the handler that derives, given the store that it writes to.

    `rules` tell everything besides the event that decides what is derived: what was held under
    other rules is derived anew.
    """

    deliver: Callable[[ObjectStore], Deliver]
    objects: ObjectStore
    held: HeldDeliveries
    rules: str

    async def __call__(self, event: ContentModerated) -> ContentStored:
        name = held_name(event, self.rules)
        waiting = await self.held.find(name)
        if waiting is not None and await self._is_uploaded(name, waiting):
            await self.held.drop(name)
            return ContentStored.following(event, delivery=waiting.delivery)
        return await self._derive(event, name)

    async def _is_uploaded(self, name: str, waiting: HeldDelivery) -> bool:
        """Whether it is in the store now, as it was held. Raises TryLater."""
        try:
            for number in range(waiting.files):
                file = await self.held.file(name, number)
                await self.objects.create(
                    file.area, file.key, file.data, media_type=file.media_type
                )
        except (ObjectMissing, GiveUp) as exc:
            # Damaged here, or delivered meanwhile by somebody else: deriving settles both.
            log.info("held.derived_again", cause=type(exc).__name__)
            await self.held.drop(name)
            return False
        return True

    async def _derive(self, event: ContentModerated, name: str) -> ContentStored:
        writing = _Writing(self.objects)
        stored = await self.deliver(writing)(event)
        if writing.trouble is None:
            return stored
        kept = await self.held.keep(name, stored.delivery, list(writing.files.values()))
        log.info("held.kept" if kept else "held.no_room", piece_id=event.piece_id)
        raise writing.trouble


def held_name(event: ContentModerated, rules: str) -> str:
    """The piece's id, and what makes another order or other rules another name."""
    digest = hashlib.sha256(f"{event.model_dump_json()}\n{rules}".encode()).hexdigest()
    return f"{event.piece_id}.{digest}"


def piece_of(name: str) -> str:
    """The piece's id in a name."""
    return name.partition(".")[0]


@dataclass(slots=True)
class _Writing:
    """The store, but for writing: what it cannot take now is noted, and the trouble with it."""

    objects: ObjectStore
    files: dict[str, DerivedFile] = field(default_factory=dict)
    trouble: TryLater | None = None

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        self.files[key] = DerivedFile(area, key, data, media_type)
        if self.trouble is not None:
            return
        try:
            await self.objects.create(area, key, data, media_type=media_type)
        except TryLater as trouble:
            self.trouble = trouble

    async def create_all(self, files: Sequence[DerivedFile]) -> None:
        for file in files:
            await self.create(file.area, file.key, file.data, media_type=file.media_type)

    async def read(self, area: Area, key: str) -> bytes:
        return await self.objects.read(area, key)

    async def delete(self, key: str) -> None:
        await self.objects.delete(key)

    async def delete_from(self, area: Area, key: str) -> None:
        await self.objects.delete_from(area, key)

    async def keys(self, prefix: str) -> Collection[str]:
        return await self.objects.keys(prefix)

    def old_files(self, prefix: str, *, older_than_s: float) -> AsyncIterator[Sequence[Found]]:
        return self.objects.old_files(prefix, older_than_s=older_than_s)

    def link(self, area: Area, key: str) -> str:
        return self.objects.link(area, key)

    async def sign(self, key: str, *, expires_s: int, in_review: bool = False) -> str:
        return await self.objects.sign(key, expires_s=expires_s, in_review=in_review)

    async def clear_unfinished(self) -> int:
        return await self.objects.clear_unfinished()

    async def free_bytes(self) -> int | None:
        return await self.objects.free_bytes()

"""Object stores that a test can look into."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from services.storage.ports import Area, DerivedFile, Found, ObjectMissing
from shared.outcomes import GiveUp, TryLater


@dataclass
class MemoryObjects:
    """Keeps objects in a dictionary by area and key."""

    kept: dict[tuple[Area, str], bytes] = field(default_factory=dict)
    is_full: bool = False

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        if self.is_full:
            raise TryLater("no room")
        if self.kept.setdefault((area, key), data) != data:
            raise GiveUp("object_exists", "another object has this key")

    async def create_all(self, files: Sequence[DerivedFile]) -> None:
        for file in files:
            await self.create(file.area, file.key, file.data, media_type=file.media_type)

    async def read(self, area: Area, key: str) -> bytes:
        try:
            return self.kept[area, key]
        except KeyError:
            raise ObjectMissing(key) from None

    async def delete(self, key: str) -> None:
        for area in Area:
            self.kept.pop((area, key), None)

    async def delete_from(self, area: Area, key: str) -> None:
        self.kept.pop((area, key), None)

    async def keys(self, prefix: str) -> set[str]:
        return {key for _, key in self.kept if key.startswith(prefix)}

    async def old_files(
        self, prefix: str, *, older_than_s: float
    ) -> AsyncIterator[Sequence[Found]]:
        yield [Found(area, key) for area, key in self.kept if key.startswith(prefix)]

    def link(self, area: Area, key: str) -> str:
        return f"memory://{area}/{key}"

    async def sign(self, key: str, *, expires_s: int, in_review: bool = False) -> str:
        return f"memory://{key}?signature={'r' if in_review else 's'}"

    async def clear_unfinished(self) -> int:
        return 0

    async def free_bytes(self) -> int | None:
        return 0 if self.is_full else 2**40

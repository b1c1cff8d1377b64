"""Staging in memory: what lies there now, and what has passed through."""

from hashlib import sha256

from shared.content import BlobRef
from shared.outcomes import TryLater


class MemoryStaging:
    """Passing bytes in a dictionary; `passed` remembers the names of all that ever lay there."""

    def __init__(self) -> None:
        self.lying: dict[str, bytes] = {}
        self.passed: list[str] = []
        self.is_away = False

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        self._answer("put")
        digest = sha256(data).hexdigest()
        self.lying[f"{name}/{digest}"] = data
        self.passed.append(name)
        uri = f"memory://{name}/{digest}"
        return BlobRef(uri=uri, sha256=digest, size=len(data), media_type=media_type)

    async def get(self, ref: BlobRef) -> bytes:
        self._answer("get")
        return self.read(ref)

    async def forget(self, name: str) -> None:
        self._answer("forget")
        for place in [place for place in self.lying if place.startswith(f"{name}/")]:
            del self.lying[place]

    def read(self, ref: BlobRef) -> bytes:
        """The bytes that a claim check names; KeyError once they are forgotten."""
        return self.lying[ref.uri.removeprefix("memory://")]

    def _answer(self, action: str) -> None:
        if self.is_away:
            raise TryLater(f"blob {action} in staging: TimeoutError")

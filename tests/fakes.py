"""Hand-written stand-ins for the shared ports."""

import hashlib
from collections.abc import Collection

from shared.blobs import BlobMissing
from shared.content import BlobRef


class MemoryBlobs:
    """A blob store in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, name: str, data: bytes, *, media_type: str) -> BlobRef:
        digest = hashlib.sha256(data).hexdigest()
        uri = f"memory://{name}/{digest}"
        self.kept[uri] = data
        return BlobRef(uri=uri, sha256=digest, size=len(data), media_type=media_type)

    async def get(self, ref: BlobRef) -> bytes:
        data = self.kept.get(ref.uri)
        if data is None or hashlib.sha256(data).hexdigest() != ref.sha256:
            raise BlobMissing(ref.sha256)
        return data

    async def holds(self, ref: BlobRef) -> bool:
        return ref.uri in self.kept

    async def delete(self, ref: BlobRef) -> None:
        self.kept.pop(ref.uri, None)

    async def names(self) -> Collection[str]:
        return {uri.removeprefix("memory://") for uri in self.kept}

    async def forget(self, name: str) -> None:
        self.kept.pop(f"memory://{name}", None)

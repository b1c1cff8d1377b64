"""How full the streams and buckets of the broker are, and what storage says of its objects."""

from collections.abc import Awaitable, Callable, Sequence

from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from shared.blobs import blob_stream
from shared.calls import ComponentHealth
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.topology import Topology

FULL_SHARE = 0.7
"""Beyond this share of its bytes a stream is kept for the work that has begun."""

OBJECTS = "the store of objects"


class WatchedStores:
    """Looks at every stream of facts, at the staging bucket, and asks storage."""

    def __init__(
        self,
        js: JetStreamContext,
        topology: Topology,
        *,
        staging: str,
        ask_storage: Callable[[], Awaitable[ComponentHealth]],
    ) -> None:
        self._js = js
        self._ask_storage = ask_storage
        bucket = blob_stream(topology.bucket(staging))
        self._streams = (*(topology.stream(fact) for fact in topology.facts), bucket)

    async def full(self) -> Sequence[str]:
        try:
            shares = [await self._share(stream) for stream in self._streams]
        except (NatsError, OSError, TimeoutError) as exc:
            raise TryLater(f"streams: {type(exc).__name__}") from exc
        full = [
            f"stream {stream}"
            for stream, share in zip(self._streams, shares, strict=True)
            if share >= FULL_SHARE
        ]
        return [*full, OBJECTS] if await self._objects_are_full() else full

    async def _share(self, stream: str) -> float:
        info = await self._js.stream_info(stream)
        most = info.config.max_bytes or 0
        return info.state.bytes / most if most > 0 else 0.0

    async def _objects_are_full(self) -> bool:
        try:
            return (await self._ask_storage()).full
        except (TryLater, Problem):
            return False  # storage is away: what is accepted waits for it

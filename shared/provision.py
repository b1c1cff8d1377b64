"""Create streams, consumers and buckets: one idempotent command, so that the apps declare nothing.

A scaler can then see the queue of a service that has no replicas yet.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from shared.blobs import CHUNK_BYTES, blob_stream, blob_subjects
from shared.events import (
    FACTS,
    AttemptSettled,
    ContentHooked,
    ContentModerated,
    ContentPersisted,
    ContentRequested,
    ContentStored,
    Fact,
    ImageGenerated,
)
from shared.service import DEAD_LETTER_BODIES, STAGING
from shared.topology import Step, Topology

_HOUR_S = 3600.0

MANY: tuple[type[Fact], ...] = (
    ContentRequested,
    ImageGenerated,
    AttemptSettled,
    ContentHooked,
    ContentModerated,
    ContentStored,
    ContentPersisted,
)
"""Facts that every piece leaves behind; of the others there are few."""

_FEW_SHARE = 8
_ROOM_FOR_HEADERS = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the broker keeps. Units: seconds and bytes."""

    facts_age_s: float = 24 * _HOUR_S
    dead_letters_age_s: float = 30 * 24 * _HOUR_S
    staging_age_s: float = 48 * _HOUR_S
    stream_bytes: int = 2**30
    staging_bytes: int = 4 * 2**30
    dead_letter_bytes: int = 256 * 2**20
    message_bytes: int = 512 * 2**10
    dedupe_s: float = 120.0

    @classmethod
    def within(cls, total_bytes: int) -> "Limits":
        """Limits that together stay below `total_bytes`: the broker reserves what is promised.

        Half goes to staging, where images wait; most of the rest to the facts of every piece.
        """
        streams = len(MANY) + (len(FACTS) + 1 - len(MANY)) / _FEW_SHARE
        usual = cls()
        return cls(
            stream_bytes=min(usual.stream_bytes, int(total_bytes * 0.4 / streams)),
            staging_bytes=min(usual.staging_bytes, total_bytes // 2),
            dead_letter_bytes=min(usual.dead_letter_bytes, total_bytes // 20),
        )

    def bytes_of(self, fact: type[Fact] | None) -> int:
        """What a stream of facts may hold; None is the stream of dead letters."""
        return self.stream_bytes if fact in MANY else self.stream_bytes // _FEW_SHARE


async def provision(js: JetStreamContext, topology: Topology, limits: Limits) -> AsyncIterator[str]:
    """Bring the broker to the wanted state; yields the name of each thing as it is in place."""
    for fact in topology.facts:
        name = topology.stream(fact)
        await _stream(
            js,
            name,
            topology.subjects(fact),
            max_age=limits.facts_age_s,
            max_bytes=limits.bytes_of(fact),
            max_msg_size=limits.message_bytes,
            duplicate_window=limits.dedupe_s,
        )
        yield f"stream {name}"
    dead = topology.dead_letter_stream
    subjects = topology.dead_letter_subject(">")
    await _stream(
        js,
        dead,
        subjects,
        max_age=limits.dead_letters_age_s,
        max_bytes=limits.bytes_of(None),
        max_msg_size=limits.message_bytes,
        duplicate_window=limits.dedupe_s,
    )
    yield f"stream {dead}"
    for step in topology.steps:
        await _consumer(js, topology, step)
        yield f"consumer {topology.stream(step.consumes)}/{step.durable}"
    staging = topology.bucket(STAGING)
    await _bucket(js, staging, limits.staging_age_s, limits.staging_bytes)
    yield f"bucket {staging}"
    bodies = topology.bucket(DEAD_LETTER_BODIES)
    await _bucket(js, bodies, limits.dead_letters_age_s, limits.dead_letter_bytes)
    yield f"bucket {bodies}"


async def _bucket(js: JetStreamContext, bucket: str, age_s: float, max_bytes: int) -> None:
    await _stream(
        js,
        blob_stream(bucket),
        blob_subjects(bucket),
        max_age=age_s,
        max_bytes=max_bytes,
        max_msg_size=CHUNK_BYTES + _ROOM_FOR_HEADERS,
    )


async def _stream(
    js: JetStreamContext,
    name: str,
    subjects: str,
    *,
    max_age: float,
    max_bytes: int,
    max_msg_size: int,
    duplicate_window: float = 0,
) -> None:
    config = StreamConfig(
        name=name,
        subjects=[subjects],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        storage=StorageType.FILE,
        max_age=max_age,
        max_bytes=max_bytes,
        max_msg_size=max_msg_size,
        duplicate_window=duplicate_window,
        allow_direct=True,
    )
    try:
        await js.update_stream(config)
    except NotFoundError:
        await js.add_stream(config)


async def _consumer(js: JetStreamContext, topology: Topology, step: Step) -> None:
    await js.add_consumer(
        topology.stream(step.consumes),
        ConsumerConfig(
            durable_name=step.durable,
            filter_subject=topology.filter_subject(step),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=step.ack_wait_s,
            # A message that ran out of deliveries would be stranded in silence.
            max_deliver=-1,
            max_ack_pending=2000,
        ),
    )

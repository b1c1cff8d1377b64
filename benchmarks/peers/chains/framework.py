"""A hop in FastStream as its documentation has it, but for what would lose messages in silence.

A pull subscription on a durable consumer, many messages at a time, publishing with PubAck.
"""

import asyncio

from faststream import FastStream
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.annotations import NatsMessage
from nats.js.api import ConsumerConfig

from benchmarks.peers.chains.hops import PERMITS, Hop, subject

_PUBACK_TIMEOUT_S = 10.0


def hop_app(hop: Hop) -> FastStream:
    """The application of one hop."""
    broker = NatsBroker(hop.url, logger=None)

    @broker.subscriber(
        f"{hop.taken.lower()}.*",
        stream=JStream(hop.taken, declare=False),
        durable=hop.durable,
        config=ConsumerConfig(max_ack_pending=2000),
        pull_sub=PullSub(batch_size=PERMITS),
        max_workers=PERMITS,
    )
    async def pass_on(message: NatsMessage) -> None:
        piece = message.raw_message.subject.rpartition(".")[2]
        await broker.publish(
            message.body, subject(hop.given, piece), stream=hop.given, timeout=_PUBACK_TIMEOUT_S
        )

    return FastStream(broker, logger=None)


if __name__ == "__main__":
    asyncio.run(hop_app(Hop.of_environment()).run())

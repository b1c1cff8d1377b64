"""A hop with nats-py alone: takes what there is, publishes it all at once, then acknowledges."""

import asyncio

import nats
from nats.errors import TimeoutError as NatsTimeoutError

from benchmarks.peers.chains.hops import PERMITS, Hop, subject


async def main() -> None:
    """Carry messages until killed."""
    hop = Hop.of_environment()
    nc = await nats.connect(hop.url)
    js = nc.jetstream()
    subscription = await js.pull_subscribe_bind(hop.durable, hop.taken)
    while True:
        try:
            messages = await subscription.fetch(PERMITS, timeout=5)
        except NatsTimeoutError:
            continue
        pieces = [message.subject.rpartition(".")[2] for message in messages]
        await asyncio.gather(
            *(
                js.publish(subject(hop.given, piece), message.data, stream=hop.given)
                for piece, message in zip(pieces, messages, strict=True)
            )
        )
        for message in messages:
            await message.ack()


if __name__ == "__main__":
    asyncio.run(main())

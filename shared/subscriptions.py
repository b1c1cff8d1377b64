"""Begin and leave NATS subscriptions without losing what is on its way."""

import asyncio

import structlog
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

log = structlog.get_logger(__name__)

_LIMIT_S = 2.0
_STRAGGLERS_S = 0.05


async def confirmed(nc: Client, *, limit_s: float = 10.0) -> None:
    """Return when the server has taken note of all that we have subscribed to and published.

    Raises the client's TimeoutError when it does not answer for `limit_s`.
    """
    # The client writes a ping at once, ahead of what its flusher has yet to write; only a second
    # one is sure to come after that.
    for _ in range(2):
        await nc.flush(timeout=limit_s)  # type: ignore[arg-type]


async def leave(nc: Client, subscription: Subscription) -> None:
    """Want no more, and return when everything that came was given to the callback.

    The server may be handing a message over while it learns that we leave; the client's own
    `drain` forgets such a straggler, so we listen a moment longer. Gives up after two seconds.
    """
    try:
        async with asyncio.timeout(_LIMIT_S):
            if nc.is_connected:
                await nc._send_unsubscribe(subscription._id)  # noqa: SLF001
                await confirmed(nc)
                await asyncio.sleep(_STRAGGLERS_S)
                await subscription.drain()  # type: ignore[no-untyped-call]
            else:
                await subscription.unsubscribe()
    except (NatsError, OSError, TimeoutError) as exc:
        log.debug("subscription.left_unheard", subject=subscription.subject, error=repr(exc))

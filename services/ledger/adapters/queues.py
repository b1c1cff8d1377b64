"""The broker's queues, as the sweeper looks at them."""

import asyncio

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from services.ledger.ports import Stalled
from shared.content import Lane
from shared.outcomes import TryLater
from shared.topology import (
    END_HALTED,
    GENERATE_BULK,
    GENERATE_INTERACTIVE,
    MODERATE,
    PERSIST,
    SIGN_APPROVAL,
    STORE,
    WRITE_HOOKS,
    Step,
    Topology,
)

_REQUEST = {Lane.BULK: GENERATE_BULK, Lane.INTERACTIVE: GENERATE_INTERACTIVE}
_FURTHER = (WRITE_HOOKS, MODERATE, SIGN_APPROVAL, STORE, PERSIST, END_HALTED)


class JetStreamQueues:
    """Tells whether a step's consumer still has to settle a piece's fact."""

    def __init__(self, js: JetStreamContext, topology: Topology) -> None:
        self._js = js
        self._topology = topology

    async def hold(self, piece: Stalled) -> bool:
        """Whether a fact about this run of the piece still waits for its step."""
        steps = (_REQUEST[piece.lane], *_FURTHER)
        try:
            waiting = await asyncio.gather(*(self._waits(step, piece) for step in steps))
        except (NatsError, OSError, TimeoutError) as exc:
            raise TryLater(f"queues: {type(exc).__name__}") from exc
        return any(waiting)

    async def _waits(self, step: Step, piece: Stalled) -> bool:
        lane = (step.lane.value,) if step.lane is not None else ()
        tokens = (*lane, piece.tenant, piece.task_id, piece.piece_id, str(piece.run))
        stream = self._topology.stream(step.consumes)
        subject = self._topology.subject_of(step.consumes, tokens)
        try:
            message = await self._js.get_last_msg(stream, subject, direct=True)
        except NotFoundError:
            return False
        consumer = await self._js.consumer_info(stream, step.durable)
        settled = consumer.ack_floor.stream_seq if consumer.ack_floor is not None else 0
        # At or below the floor everything is acknowledged; above it, it may still be under way.
        return message.seq is not None and message.seq > settled

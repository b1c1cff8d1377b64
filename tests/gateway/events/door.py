"""What a neighbouring system does at the event door, and what it sees there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nats.js import JetStreamContext

from services.gateway.handler.door import Door
from shared.deadletters import DeadLetter
from shared.events import AvatarReady, Fact, TaskAccepted, TaskRefused, TaskRequested
from shared.topology import HAND_OVER, TAKE_ORDER, Topology
from tests.eventually import eventually
from tests.gateway.backend import TENANT, Backend

F = TypeVar("F", bound=Fact)

ORDER: dict[str, Any] = {"avatar_id": "ada", "num_pieces": 3, "platform": "instagram"}


def attributes(event_id: str, *, source: str = "/planner", kind: str = "") -> dict[str, str]:
    """Headers of CloudEvents in binary mode."""
    return {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-source": source,
        "ce-type": kind or "atelier.task.requested.v1",
    }


@dataclass
class EventDoor:
    """The door, open; `backend` is the rest of the system."""

    js: JetStreamContext
    topology: Topology
    backend: Backend
    door: Door

    async def request(
        self,
        order: Mapping[str, Any] = ORDER,
        *,
        request_id: str = "r-1",
        tenant: str = TENANT,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> int:
        """Order by event; gives the request's place in its stream."""
        subject = self.topology.subject_of(TaskRequested, (tenant, request_id))
        return await self.publish(subject, {"order": order, **members}, headers)

    async def hand_over(
        self, avatar_id: str, headers: dict[str, str] | None = None, **body: Any
    ) -> int:
        """Publish `avatar.ready`."""
        subject = self.topology.subject_of(AvatarReady, (TENANT, avatar_id))
        return await self.publish(subject, body, headers)

    async def publish(self, subject: str, body: Any, headers: dict[str, str] | None = None) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return (await self.js.publish(subject, raw, headers=headers)).seq

    async def settled(self) -> None:
        """Return when every event has been answered."""

        async def nothing_waits() -> bool:
            for step in (TAKE_ORDER, HAND_OVER):
                stream = self.topology.stream(step.consumes)
                stored = (await self.js.stream_info(stream)).state.last_seq
                info = await self.js.consumer_info(stream, step.durable)
                # A message that was stored this moment is not yet counted as pending.
                if info.ack_floor is None or info.ack_floor.stream_seq < stored:
                    return False
            return True

        await eventually(nothing_waits, every_s=0.02)

    async def accepted(self) -> list[TaskAccepted]:
        return await self._read(TaskAccepted)

    async def refused(self) -> list[TaskRefused]:
        return await self._read(TaskRefused)

    async def letters(self) -> list[DeadLetter]:
        bodies = await self._bodies(self.topology.dead_letter_stream)
        return [DeadLetter.model_validate_json(body) for body in bodies]

    async def _read(self, fact: type[F]) -> list[F]:
        await self.settled()
        bodies = await self._bodies(self.topology.stream(fact))
        return [fact.model_validate_json(body) for body in bodies]

    async def _bodies(self, stream: str) -> list[bytes]:
        state = (await self.js.stream_info(stream)).state
        wanted = range(state.first_seq, state.last_seq + 1) if state.messages else ()
        return [(await self.js.get_msg(stream, seq)).data or b"" for seq in wanted]

"""One step of the pipeline on a real broker, with as many replicas as a test wants."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo
from pydantic import SecretStr

from shared.deadletters import DeadLetter
from shared.events import ContentHalted, ContentHooked, Fact, ImageGenerated
from shared.factlog import JetStreamFactLog
from shared.service import Service, open_service
from shared.settings import ServiceSettings
from shared.stage import Handler
from shared.topology import Step, Topology
from tests.builders import captions

F = TypeVar("F", bound=Fact)

HOOK = Step(
    "content-hooked",
    ImageGenerated,
    (ContentHooked, ContentHalted),
    ack_wait_s=120.0,
    handle_limit_s=60.0,
    bounded=True,
)
"""A step like the real one. Whatever a busy machine does, the broker hands nothing out again."""

IMPATIENT = replace(HOOK, ack_wait_s=1.0)
"""The same, for tests of what is handed out again."""


def hooked(event: ImageGenerated) -> ContentHooked:
    return ContentHooked.following(event, captions=captions())


@dataclass
class Pipeline:
    """What a test does to the broker, and what it sees there."""

    url: str
    js: JetStreamContext
    topology: Topology
    stack: AsyncExitStack
    services: list[Service] = field(default_factory=list)

    @property
    def facts(self) -> JetStreamFactLog:
        return JetStreamFactLog(self.js, self.topology, source="/tests")

    async def write(self, *facts: Fact) -> None:
        for fact in facts:
            assert await self.facts.write(fact)

    async def publish(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        """Something that no `FactLog` would write."""
        await self.js.publish(subject, body, headers=headers)

    async def open(self, *, url: str | None = None) -> Service:
        """A service that is connected and takes no work yet."""
        settings = ServiceSettings(
            nats_url=SecretStr(url or self.url), nats_namespace=self.topology.namespace
        )
        service = await self.stack.enter_async_context(open_service("tests", settings))
        service.topology = self.topology
        self.services.append(service)
        return service

    async def replica(
        self, handler: Handler[ImageGenerated], *, permits: int = 1, step: Step | None = None
    ) -> Service:
        """A running copy of the step."""
        service = await self.open()
        service.stage(step or self.topology.steps[0], handler, permits=permits)
        await service.start()
        self.stack.push_async_callback(service.stop)
        return service

    async def read(self, fact: type[F]) -> list[F]:
        """Every fact of this kind, in the order in which they were written."""
        bodies = await self._bodies(self.topology.stream(fact))
        return [fact.model_validate_json(body) for body in bodies]

    async def dead_letters(self) -> list[DeadLetter]:
        bodies = await self._bodies(self.topology.dead_letter_stream)
        return [DeadLetter.model_validate_json(body) for body in bodies]

    async def count(self, fact: type[Fact]) -> int:
        return (await self.js.stream_info(self.topology.stream(fact))).state.messages

    async def consumer(self, step: Step = HOOK) -> ConsumerInfo:
        stream = self.topology.stream(step.consumes)
        info: ConsumerInfo = await self.js.consumer_info(stream, step.durable)
        return info

    async def redelivered(self) -> bool:
        """Something was handed out again and is not settled yet."""
        return bool((await self.consumer()).num_redelivered)

    async def is_settled(self, step: Step = HOOK) -> bool:
        """Nothing waits, and nothing was handed out without an answer."""
        info = await self.consumer(step)
        return info.num_pending == 0 and info.num_ack_pending == 0

    async def _bodies(self, stream: str) -> list[bytes]:
        state = (await self.js.stream_info(stream)).state
        wanted = range(state.first_seq, state.last_seq + 1) if state.messages else ()
        return [(await self.js.get_msg(stream, seq)).data or b"" for seq in wanted]


@asynccontextmanager
async def open_pipeline(
    url: str, js: JetStreamContext, topology: Topology
) -> AsyncIterator[Pipeline]:
    async with AsyncExitStack() as stack:
        yield Pipeline(url, js, topology, stack)


async def answers(js: JetStreamContext) -> bool:
    """Whether JetStream is up."""
    try:
        await js.account_info()
    except (NatsError, OSError, TimeoutError):
        return False
    return True

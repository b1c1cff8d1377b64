"""Our side of the exchange with ComfyUI, small enough for a test."""

import asyncio
from dataclasses import dataclass, field

import httpx2

from services.generator.adapters.comfyui.clearing import Clearing
from services.generator.adapters.comfyui.provider import ComfyProvider
from services.generator.adapters.comfyui.server import ComfyServer
from services.generator.adapters.comfyui.workflow import Workflow
from services.generator.adapters.comfyui.workflow_file import read_workflow
from services.generator.adapters.image_gate import PillowGate
from services.generator.domain.failures import ProviderFailure, RetryPolicy
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.route import Limits, Route
from services.generator.handler.routing import Routing
from services.generator.ports import MadeImage, Provider
from shared.content import Brief
from tests.builders import brief
from tests.fakes import MemoryBlobs
from tests.generator.fakes import (
    FREE,
    EarlierImages,
    RecordingAttempts,
    ScriptedProvider,
    made_image,
)

LINK = "http://127.0.0.1/loras/a.safetensors?expires=1&signature=canary-link"
CHECKPOINT = "sd_xl_base_1.0.safetensors"


@dataclass
class CountedLinks:
    """Another link each time it has to be fresh."""

    fresh: list[bool] = field(default_factory=list)

    async def sign(self, key: str, *, fresh: bool = False) -> str:
        self.fresh.append(fresh)
        return LINK


@dataclass
class Notes:
    """What was noted of submitted calls."""

    ids: list[str] = field(default_factory=list)

    async def __call__(self, call_id: str) -> None:
        self.ids.append(call_id)


class Comfy:
    """A provider whose waits are short."""

    def __init__(
        self,
        url: str,
        client: httpx2.AsyncClient,
        *,
        workflow: Workflow | None = None,
        poll_s: float = 0.05,
        request_limit_s: float = 0.5,
        patience_s: float = 5.0,
    ) -> None:
        self.client = client
        self.links = CountedLinks()
        self.notes = Notes()
        self.workflow = workflow or read_workflow()
        self.server = ComfyServer(client, url, request_limit_s=request_limit_s)
        self.clearing = Clearing(self.server, patience_s=patience_s, pause_s=0.02)
        self.provider = ComfyProvider(
            self.server,
            self.clearing,
            workflow=self.workflow,
            checkpoint=CHECKPOINT,
            lora_links=self.links,
            timeout_s=5.0,
            price=FREE,
            poll_s=poll_s,
        )

    async def generate(self, order: Brief | None = None) -> MadeImage:
        call = await self.provider.prepare(order or brief())
        return await call(self.notes)

    async def failure(self, order: Brief | None = None) -> ProviderFailure:
        try:
            await self.generate(order)
        except ProviderFailure as failure:
            return failure
        raise AssertionError("an image came")


@dataclass
class Atelier:
    """The generator over ComfyUI and one provider after it."""

    provider: Provider
    is_last: bool = False
    attempts: RecordingAttempts = field(default_factory=RecordingAttempts)
    staging: MemoryBlobs = field(default_factory=MemoryBlobs)
    next_one: ScriptedProvider = field(
        default_factory=lambda: ScriptedProvider([made_image(b"another's")], name="next")
    )

    @property
    def generate(self) -> GenerateImage:
        policy = RetryPolicy(max_retries=0)
        comfy = Route(self.provider, Limits(2, policy=policy, is_last=self.is_last))
        after = Route(self.next_one, Limits(2, policy=policy))
        return GenerateImage(
            routing=Routing([comfy, after]),
            buy=BuyImage(self.attempts, self.staging, GateOfComfy(), sleep=no_sleep),
            substitutes=EarlierImages(),
            outage=Outage(patience_s=0),
            sleep=no_sleep,
        )

    @property
    def codes(self) -> list[tuple[str, str | None]]:
        """Outcome and code of every attempt on record."""
        return [(settled.outcome, settled.error_code) for settled in self.attempts.settled]


class GateOfComfy(PillowGate):
    """The real one, except for the image of the scripted provider."""

    async def media_type_of(self, made: MadeImage, brief: Brief) -> str:
        if made.data == b"another's":
            return "image/png"
        return await super().media_type_of(made, brief)


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)

"""The `comfyui` provider: a server that runs a workflow of the operator's.

Wire format: `POST /prompt {prompt, client_id, prompt_id}` answered by `{prompt_id}`, events on
`/ws?clientId=`, then `GET /history/{prompt_id}` and `GET /view` (docs/comfyui.md).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import PurePosixPath
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from services.generator.adapters.comfyui.clearing import Clearing
from services.generator.adapters.comfyui.events import listening
from services.generator.adapters.comfyui.job import Ended, Job
from services.generator.adapters.comfyui.server import ComfyServer, ImageFile
from services.generator.adapters.comfyui.stripping import stripped
from services.generator.adapters.comfyui.waiting import look, until_answered, until_ended
from services.generator.adapters.comfyui.workflow import Values, Workflow
from services.generator.domain.failures import ProviderFailure
from services.generator.domain.prices import Price
from services.generator.ports import LoraLinks, MadeImage, NoteCallId, PreparedCall
from shared.content import Brief

_POLL_S = 2.0
_STRIPPED_AT_ONCE = 2  # an image is copied whole

_FILES = TypeAdapter(list[ImageFile])


class ComfyProvider:
    """Submits a workflow once per prepared call, and can go on waiting for it by its id."""

    name = "comfyui"

    def __init__(
        self,
        server: ComfyServer,
        clearing: Clearing,
        *,
        workflow: Workflow,
        checkpoint: str,
        lora_links: LoraLinks,
        timeout_s: float,
        price: Price,
        poll_s: float = _POLL_S,
    ) -> None:
        self.server = server
        self._clearing = clearing
        self._workflow = workflow
        self._checkpoint = checkpoint
        self._lora_links = lora_links
        self._poll_s = poll_s
        self._stripping = asyncio.Semaphore(_STRIPPED_AT_ONCE)
        self.call_limit_s = timeout_s
        self.price = price
        self.keeps_likeness = workflow.keeps_likeness
        self.model = checkpoint if "checkpoint" in workflow.used else workflow.model

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        link = ""
        if "lora_url" in self._workflow.used:
            link = await self._lora_links.sign(brief.lora.key, fresh=fresh_link)
        return partial(self._generate, brief, link)

    async def resume(self, brief: Brief, call_id: str) -> MadeImage:
        async with self._followed(Job(call_id, may_be_there=True)) as job:
            return await self._result(brief, job)

    async def _generate(self, brief: Brief, link: str, note: NoteCallId) -> MadeImage:
        # Listening first: a job may be over before its submission is answered.
        async with self._followed(Job(uuid4().hex)) as job:
            await self._submit(brief, link, job)
            await note(job.id)
            return await self._result(brief, job)

    @asynccontextmanager
    async def _followed(self, job: Job) -> AsyncIterator[Job]:
        events = listening(self.server.events_url(job.id), job, again_s=self._poll_s)
        async with self._clearing.after(job), events:
            yield job

    async def _submit(self, brief: Brief, link: str, job: Job) -> None:
        nodes = self._workflow.filled(values(brief, link, self._checkpoint))
        job.may_be_there = True
        try:
            job.id = await self.server.submit(nodes, self._workflow, job.id)
        except ProviderFailure as failure:
            if failure.outcome == "failed":
                job.may_be_there = False
                raise
            if not await self._has_taken(job):
                raise

    async def _has_taken(self, job: Job) -> bool:
        """Whether a job is there although its submission was not answered."""
        try:
            ended = await look(self.server, job)
        except ProviderFailure:
            return False
        return ended is None or job.is_over

    async def _result(self, brief: Brief, job: Job) -> MadeImage:
        ended = await until_ended(self.server, job, self._poll_s)
        if ended.failure is not None:
            raise ended.failure
        file = _image_file(ended, self._workflow.output)
        raw = await until_answered(partial(self.server.image, file), job, self._poll_s)
        async with self._stripping:
            data = await asyncio.to_thread(stripped, raw)
        return self._made(brief, data)

    def _made(self, brief: Brief, data: bytes) -> MadeImage:
        used, fixed = self._workflow.used, self._workflow.number
        return MadeImage(
            data=data,
            model=self.model,
            seed=brief.seed,
            steps=brief.steps if "steps" in used else int(fixed("steps", brief.steps)),
            cfg_scale=brief.cfg_scale if "cfg" in used else fixed("cfg", brief.cfg_scale),
            lora_applied=self.keeps_likeness,
            lora_scale=brief.lora.scale if self.keeps_likeness else 0.0,
            cost_usd_micros=self.price.of_image(brief.width, brief.height),
        )


def values(brief: Brief, link: str, checkpoint: str) -> Values:
    """What the placeholders of a workflow stand for."""
    return {
        "prompt": brief.prompt,
        "negative_prompt": brief.negative_prompt,
        "seed": brief.seed,
        "steps": brief.steps,
        "cfg": brief.cfg_scale,
        "width": brief.width,
        "height": brief.height,
        "lora_url": link,
        "lora_key": brief.lora.key,
        "lora_name": PurePosixPath(brief.lora.key).name,
        "lora_scale": brief.lora.scale,
        "checkpoint": checkpoint,
    }


def _image_file(ended: Ended, output: str) -> ImageFile:
    given = ended.outputs.get(output)
    try:
        files = _FILES.validate_python(given["images"] if isinstance(given, dict) else [])
    except (KeyError, ValidationError):
        files = []
    if not files:
        raise ProviderFailure("BAD_RESPONSE", "no image in the output")
    return files[0]

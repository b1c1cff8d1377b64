"""The HTTP half of a ComfyUI server."""

import asyncio
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar

import httpx2
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from services.generator.adapters.comfyui.faults import failed_run, interrupted, refusal
from services.generator.adapters.comfyui.job import Ended
from services.generator.adapters.comfyui.workflow import Workflow
from services.generator.adapters.image_gate import MOST_BYTES
from services.generator.adapters.vendor_http import Answer, exchange
from services.generator.domain.failures import ProviderFailure

REQUEST_LIMIT_S = 30.0

T = TypeVar("T")


class Where(Enum):
    """Where the server holds a job."""

    WAITING = "waiting"
    AT_WORK = "at_work"
    NOT_QUEUED = "not_queued"


class ImageFile(BaseModel):
    """Where an output node has put an image."""

    filename: str
    subfolder: str = ""
    type: str = "output"


class _Submitted(BaseModel):
    prompt_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class _Status(BaseModel):
    status_str: str = "success"
    messages: list[tuple[str, dict[str, Any]]] = []


class _Entry(BaseModel):
    outputs: dict[str, Any] = {}
    status: _Status | None = None


class _Queue(BaseModel):
    queue_running: list[list[Any]]
    queue_pending: list[list[Any]]


_HISTORY = TypeAdapter(dict[str, _Entry])
_QUEUE = TypeAdapter(_Queue)
_SUBMITTED = TypeAdapter(_Submitted)


class ComfyServer:
    """Jobs of a server at `url`. Its methods raise ProviderFailure."""

    def __init__(
        self, client: httpx2.AsyncClient, url: str, *, request_limit_s: float = REQUEST_LIMIT_S
    ) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._limit_s = request_limit_s

    def events_url(self, job_id: str) -> str:
        """Where the websocket tells of the job that was submitted under this name."""
        return f"ws{self._url.removeprefix('http')}/ws?clientId={job_id}"

    async def submit(self, nodes: Mapping[str, Any], workflow: Workflow, wanted_id: str) -> str:
        """Queue filled nodes; the job's id. Servers of 2025 and later take the wanted one."""
        body = {"prompt": nodes, "client_id": wanted_id, "prompt_id": wanted_id}
        answer = await self._ask("POST", "/prompt", json=body, costs=True)
        if answer.status != 200:
            raise refusal(answer, workflow)
        return _read(_SUBMITTED, answer, outcome="unknown").prompt_id

    async def ended(self, job_id: str) -> Ended | None:
        """How the job ended, by the history; None while that says nothing."""
        answer = _fine(await self._ask("GET", f"/history/{job_id}"))
        entry = _read(_HISTORY, answer).get(job_id)
        return None if entry is None else _end_of(entry)

    async def where(self, job_id: str) -> Where:
        """Whether it waits or is at work."""
        queue = _read(_QUEUE, _fine(await self._ask("GET", "/queue")))
        if any(job_id in item[1:2] for item in queue.queue_running):
            return Where.AT_WORK
        if any(job_id in item[1:2] for item in queue.queue_pending):
            return Where.WAITING
        return Where.NOT_QUEUED

    async def image(self, file: ImageFile) -> bytes:
        """The bytes of a saved image, as they lie there."""
        query = httpx2.QueryParams(file.model_dump())
        answer = await self._ask("GET", f"/view?{query}", most_bytes=MOST_BYTES)
        return bytes(_fine(answer).body)

    async def dequeue(self, job_id: str) -> None:
        """Take it off the queue, if it waits there."""
        _fine(await self._ask("POST", "/queue", json={"delete": [job_id]}))

    async def interrupt(self, job_id: str) -> None:
        """Stop it, if it is at work. Without an id the server would stop anybody's."""
        _fine(await self._ask("POST", "/interrupt", json={"prompt_id": job_id}))

    async def forget(self, job_id: str) -> None:
        """Delete its history, which holds the prompt and the link to the weights."""
        _fine(await self._ask("POST", "/history", json={"delete": [job_id]}))

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        costs: bool = False,
        most_bytes: int = 2 * MOST_BYTES,
    ) -> Answer:
        try:
            # A read that drips never runs into the client's limit.
            async with asyncio.timeout(self._limit_s):
                return await exchange(
                    self._client,
                    method,
                    self._url + path,
                    json=json,
                    costs=costs,
                    most_bytes=most_bytes,
                )
        except TimeoutError as exc:
            outcome: Literal["failed", "unknown"] = "unknown" if costs else "failed"
            raise ProviderFailure("TIMEOUT", "a request drags on", outcome=outcome) from exc


def _fine(answer: Answer) -> Answer:
    if answer.status != 200:
        raise answer.failure()
    return answer


def _read(
    form: TypeAdapter[T], answer: Answer, outcome: Literal["failed", "unknown"] = "failed"
) -> T:
    try:
        return form.validate_json(answer.body)
    except ValidationError:
        # Not as its cause: that would quote the answer, which may hold the prompt and the link.
        raise ProviderFailure("BAD_RESPONSE", "another answer", outcome=outcome) from None


def _end_of(entry: _Entry) -> Ended:
    status = entry.status or _Status()
    if status.status_str == "success":
        return Ended(entry.outputs)
    for event, data in status.messages:
        if event == "execution_error":
            return Ended({}, failed_run(data))
    return Ended({}, interrupted())

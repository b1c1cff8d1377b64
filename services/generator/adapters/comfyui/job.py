"""One submitted workflow, and what the server has told about it so far."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.generator.adapters.comfyui.faults import failed_run, interrupted
from services.generator.domain.failures import ProviderFailure


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: what its output nodes gave, by node, or why they gave nothing."""

    outputs: Mapping[str, Any]
    failure: ProviderFailure | None = None


class Job:
    """Known to the server by `id`.

    `may_be_there`: the server may hold it, in its queue, at work or in its history. `is_over`:
    its history says how it ended. `heard` is what the websocket told of its end.
    """

    def __init__(self, job_id: str, *, may_be_there: bool = False) -> None:
        self.id = job_id
        self.may_be_there = may_be_there
        self.is_over = False
        self.heard: Ended | None = None
        self._outputs: dict[str, Any] = {}
        self._news = asyncio.Event()

    async def news(self, longest_s: float) -> None:
        """Wait until something was heard that makes it worth to ask, or `longest_s` seconds."""
        try:
            async with asyncio.timeout(longest_s):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    def hear(self, message: str | bytes) -> None:
        """Take in an event, if it is about this very job. Previews come as bytes."""
        event, data = _event_of(message)
        if data.get("prompt_id") != self.id:
            return
        match event:
            case "executed":
                self._outputs[str(data.get("node"))] = data.get("output")
            case "execution_success":
                self._end(Ended(dict(self._outputs)))
            case "execution_error":
                self._end(Ended({}, failed_run(data)))
            case "execution_interrupted":
                self._end(Ended({}, interrupted()))
            case "executing" if data.get("node") is None:
                self._news.set()

    def _end(self, ended: Ended) -> None:
        self.heard = ended
        self._news.set()


def _event_of(message: str | bytes) -> tuple[str, dict[str, Any]]:
    if isinstance(message, bytes):
        return "", {}
    try:
        told = json.loads(message)
    except (ValueError, RecursionError):
        return "", {}
    if not isinstance(told, dict) or not isinstance(told.get("data"), dict):
        return "", {}
    return str(told.get("type")), told["data"]

"""The `openai` judge: OpenAI's moderation model, which is shown the words and the image."""

import asyncio
import base64
from dataclasses import dataclass
from typing import Self

import openai
import structlog
from openai import AsyncOpenAI
from openai.types import ModerationMultiModalInputParam

from services.safety.adapters.openai_answers import Unusable, read_answer
from services.safety.domain.submission import Submission
from services.safety.ports import Busy
from shared.content import JudgeReport
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 30.0
MAX_IMAGE_BYTES = 20_000_000
"""What the vendor takes."""

_CANNOT = frozenset({400, 413, 415, 422})
_KEYS_BY_STATUS = {401: "OPENAI_API_KEY", 403: "OPENAI_API_KEY", 404: "OPENAI_MODERATION_MODEL"}


@dataclass(frozen=True, slots=True)
class OpenAIJudge:
    """One request for everything. The retries are ours: the client has none of its own."""

    client: AsyncOpenAI
    model: str
    name: str = "openai"

    @classmethod
    def of(cls, *, api_key: str, base_url: str, model: str, timeout_s: float) -> Self:
        """With a client of its own; close it at the end."""
        client = AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout_s,
            max_retries=0,
        )
        return cls(client, model)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.client.close()

    def concerns(self, submission: Submission) -> bool:
        return submission.image is not None or bool(submission.text)

    async def judge(self, submission: Submission) -> JudgeReport | None:
        image = submission.image
        if image is not None and len(image) > MAX_IMAGE_BYTES:
            return None
        inputs = await asyncio.to_thread(_inputs, submission)
        try:
            answer = await self.client.moderations.with_raw_response.create(
                input=inputs, model=self.model
            )
            return read_answer(answer.http_response.content, judge=self.name)
        except openai.APIStatusError as exc:
            if exc.status_code not in _CANNOT:
                raise _away(exc) from None
            log.warning("judge.cannot", judge=self.name, status=exc.status_code)
            return None
        except openai.OpenAIError as exc:
            raise TryLater(f"openai: {type(exc).__name__}") from exc
        except Unusable as exc:
            log.error("judge.answer_unusable", judge=self.name, detail=str(exc))  # noqa: TRY400 - no trace wanted
            raise TryLater(f"openai: no usable answer: {exc}") from exc


def _inputs(submission: Submission) -> list[ModerationMultiModalInputParam]:
    inputs: list[ModerationMultiModalInputParam] = []
    if submission.text:
        inputs.append({"type": "text", "text": submission.text})
    if submission.image is not None:
        encoded = base64.b64encode(submission.image).decode()
        url = f"data:{submission.media_type};base64,{encoded}"
        inputs.append({"type": "image_url", "image_url": {"url": url}})
    return inputs


def _away(exc: openai.APIStatusError) -> TryLater:
    status = exc.status_code
    if (key := _KEYS_BY_STATUS.get(status)) is not None:
        # Never with what the vendor says: it repeats a part of the key.
        log.error("judge.misconfigured", judge="openai", status=status, setting=key)
        return TryLater(f"openai refuses us with {status}: look at {key}")
    kind = Busy if status == 429 else TryLater
    return kind(f"openai: status {status}", after=_retry_after_s(exc))


def _retry_after_s(exc: openai.APIStatusError) -> float | None:
    text = exc.response.headers.get("retry-after", "")
    try:
        wanted = float(text)
    except ValueError:
        return None
    return min(wanted, LONGEST_WAIT_S) if wanted > 0 else None

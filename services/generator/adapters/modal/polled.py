"""An order that is submitted, and polled for until its image is there.

The two addresses are those of a job queue as Modal shows one:
https://modal.com/docs/guide/job-queue
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import BaseModel, ValidationError

from services.generator.adapters.modal.http import SEE_OTHER, CallId, WorkerHttp, further, reply_in
from services.generator.adapters.modal.wire import Reply, failure_of
from services.generator.adapters.vendor_http import Answer
from services.generator.domain.failures import ProviderFailure
from services.generator.ports import NoteCallId

_ACCEPTED = 202
# A poll that fails is no failure of the call; only the worker's own words are.
_LATER = frozenset({_ACCEPTED, 408, 429, *range(500, 600)})
_NOT_SUBMITTED_YET = frozenset({408, 429, 502, 503, 504})


class _Submitted(BaseModel):
    call_id: CallId


@dataclass(frozen=True, slots=True)
class Polled:
    """Every call has an id, noted before anybody waits for it."""

    http: WorkerHttp

    async def ask(self, order: Mapping[str, Any], note: NoteCallId) -> Reply:
        answer = await self.http.post(self._at("submit"), order)
        if answer.status == SEE_OTHER:  # a cold start, as for any request
            url = further(self._at("submit"), answer)
            answer = await self.http.result_at(url, _NOT_SUBMITTED_YET)
        call_id = _call_id_in(answer)
        await note(call_id)
        return await self.result_of(call_id)

    async def result_of(self, call_id: str) -> Reply:
        return reply_in(await self.http.result_at(self._at(f"result/{call_id}"), _LATER))

    def _at(self, name: str) -> str:
        url = httpx2.URL(self.http.url)
        return str(url.copy_with(path=f"{url.path.rstrip('/')}/{name}"))


def _call_id_in(answer: Answer) -> str:
    if not 200 <= answer.status < 300:
        raise failure_of(answer)
    try:
        return _Submitted.model_validate_json(answer.body).call_id
    except ValidationError:
        raise ProviderFailure("BAD_RESPONSE", "no id of a call", outcome="unknown") from None

"""One request, whose answer is the image, however long it takes.

Modal answers a request that takes longer than 150 s with a redirect to where the result will be:
https://modal.com/docs/guide/webhook-timeouts
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import TypeAdapter, ValidationError

from services.generator.adapters.modal.http import SEE_OTHER, CallId, WorkerHttp, further, reply_in
from services.generator.adapters.modal.wire import Reply, failure_of
from services.generator.ports import NoteCallId

CALL_ID_PARAMETER = "__modal_function_call_id"
# What somebody on the way says; a 500 is the worker's own answer.
_LATER = frozenset({408, 429, 502, 503, 504})
_call_id = TypeAdapter[str](CallId)


@dataclass(frozen=True, slots=True)
class Waited:
    """A call has an id only from its first redirect on, if that tells one."""

    http: WorkerHttp

    async def ask(self, order: Mapping[str, Any], note: NoteCallId) -> Reply:
        answer = await self.http.post(self.http.url, order)
        if answer.status == 200:
            return answer.body
        if answer.status != SEE_OTHER:
            raise failure_of(answer)
        url = further(self.http.url, answer)
        if (call_id := _call_id_in(url)) is not None:
            await note(call_id)
        return reply_in(await self.http.result_at(url, _LATER))

    async def result_of(self, call_id: str) -> Reply:
        url = httpx2.URL(self.http.url).copy_merge_params({CALL_ID_PARAMETER: call_id})
        return reply_in(await self.http.result_at(str(url), _LATER))


def _call_id_in(url: str) -> str | None:
    try:
        return _call_id.validate_python(httpx2.URL(url).params.get(CALL_ID_PARAMETER))
    except ValidationError:
        return None

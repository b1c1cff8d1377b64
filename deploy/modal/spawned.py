"""Calls of a deployed function, by Modal's SDK."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import modal
from modal import exception

from deploy.modal.job_queue import Result, UnknownCall
from services.generator.sdxl.wishes import FailureCode

_LOST = (exception.OutputExpiredError, exception.NotFoundError, exception.InvalidError)
_NOT_YET = (
    TimeoutError,
    exception.ServiceError,
    exception.InternalError,
    exception.ResourceExhaustedError,
    exception.ConnectionError,
)


@dataclass(frozen=True, slots=True)
class SpawnedCalls:
    """Spawned by one container, looked up by any."""

    function: modal.Function[..., Any, Any]
    client: modal.Client | None = None

    async def spawn(self, order: Mapping[str, Any]) -> str:
        call = await self.function.spawn.aio(dict(order))
        return str(call.object_id)

    async def result(self, call_id: str) -> Result | None:
        call: modal.FunctionCall[Any] = modal.FunctionCall.from_id(call_id, client=self.client)
        try:
            result: Result = await call.get.aio(timeout=0)
        except _LOST:
            raise UnknownCall from None
        except exception.FunctionTimeoutError:
            return _failed(FailureCode.TIMEOUT, "The call ran into its time limit.")
        except _NOT_YET:
            return None
        except Exception:  # noqa: BLE001 - what the function raised is raised here again
            return _failed(FailureCode.GENERATION_FAILED, "The call failed; Modal's log tells why.")
        return result


def _failed(code: FailureCode, error: str) -> Result:
    return {"error": error, "error_code": code.value}

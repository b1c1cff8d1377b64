"""A worker that is a deployed Modal function, called through Modal's SDK.

It is spawned with one argument, the order, and returns what a worker over HTTP answers:
https://modal.com/docs/guide/job-queue
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpclib.exceptions
import modal
from modal import exception

from services.generator.adapters.modal.client import ModalClient
from services.generator.adapters.modal.http import Pace
from services.generator.adapters.modal.wire import Reply
from services.generator.domain.failures import ProviderFailure
from services.generator.ports import NoteCallId

Function = modal.Function[Any, Any, Any]

_BY_ID = "fu-"
_CALL = "fc-"

_REFUSALS = (
    exception.AuthError,
    exception.PermissionDeniedError,
    exception.NotFoundError,
    exception.InvalidError,
    exception.UnimplementedError,
)
_DISTURBANCES = (
    exception.ServiceError,
    exception.InternalError,
    exception.ResourceExhaustedError,
    exception.ConnectionError,
    grpclib.exceptions.StreamTerminatedError,
)
_LATER = (TimeoutError, *_DISTURBANCES)
_UNREADABLE = (exception.ExecutionError, exception.DeserializationError)
_LOST = (exception.OutputExpiredError, exception.NotFoundError, exception.InvalidError)
_NO_ENTRY = (exception.AuthError, exception.PermissionDeniedError)


@dataclass(frozen=True, slots=True)
class Spawned:
    """`function_id` is `app/function` or the function's own id.

    Finding it, submitting a call and looking for its result take so many seconds at most. The SDK
    repeats a submission that broke off, under one idempotency key: a single call.
    """

    client: ModalClient
    function_id: str
    pace: Pace
    lookup_s: float = 20.0
    submission_s: float = 30.0
    look_s: float = 90.0

    async def ask(self, order: Mapping[str, Any], note: NoteCallId) -> Reply:
        call_id = await self._submit(await self._found(), order)
        await note(call_id)
        return await self.result_of(call_id)

    async def result_of(self, call_id: str) -> Reply:
        if not call_id.startswith(_CALL):  # noted when the worker had an address
            raise _lost()
        while True:
            try:
                async with asyncio.timeout(self.look_s):
                    reply = await self._look(call_id)
            except _LATER:
                await self.pace.rest(None)
            except Exception as exc:  # noqa: BLE001 - the function may raise anything
                raise _failed_result(exc) from None
            else:
                return reply if isinstance(reply, Mapping) else {}

    async def _look(self, call_id: str) -> object:
        client = await self.client.opened()
        call: modal.FunctionCall[Any] = modal.FunctionCall.from_id(call_id, client=client)
        return await call.get.aio(timeout=0)

    async def _found(self) -> Function:
        """The function as it is deployed now. Nothing is bought yet."""
        try:
            async with asyncio.timeout(self.lookup_s):
                function = self._named(await self.client.opened())
                await function.hydrate.aio()
        except TimeoutError:
            raise ProviderFailure("CONNECTION", "no answer to a lookup") from None
        except Exception as exc:  # noqa: BLE001 - the SDK raises more than its own errors
            raise ProviderFailure(_code_of(exc), type(exc).__name__) from None
        return function

    def _named(self, client: modal.Client) -> Function:
        found: Function
        if self.function_id.startswith(_BY_ID):
            found = modal.Function.from_id(self.function_id, client=client)
        else:
            app, _, name = self.function_id.partition("/")
            found = modal.Function.from_name(app, name, client=client)
        return found

    async def _submit(self, function: Function, order: Mapping[str, Any]) -> str:
        try:
            async with asyncio.timeout(self.submission_s):
                return (await function.spawn.aio(dict(order))).object_id
        except TimeoutError:
            raise ProviderFailure("TIMEOUT", "no answer to a call", outcome="unknown") from None
        except (*_REFUSALS, exception.ResourceExhaustedError) as exc:
            raise ProviderFailure(_code_of(exc), type(exc).__name__) from None
        except Exception as exc:  # noqa: BLE001 - as above
            raise ProviderFailure(_code_of(exc), type(exc).__name__, outcome="unknown") from None


def _code_of(exc: Exception) -> str:
    match exc:
        case exception.ResourceExhaustedError():
            return "RATE_LIMITED"
        case exception.ConnectionError() | grpclib.exceptions.StreamTerminatedError():
            return "CONNECTION"
        case exception.AuthError() | exception.PermissionDeniedError():
            return "UNAUTHORIZED"
        case exception.NotFoundError():
            return "NOT_FOUND"
    return "REFUSED" if isinstance(exc, _REFUSALS) else "SERVER_ERROR"


def _failed_result(exc: Exception) -> ProviderFailure:
    """What an SDK's exception says of a call that was submitted. Its text may quote the order."""
    name = type(exc).__name__
    if isinstance(exc, _LOST):
        return _lost()
    if isinstance(exc, _NO_ENTRY):
        return ProviderFailure("UNAUTHORIZED", name, outcome="unknown")
    if isinstance(exc, exception.FunctionTimeoutError):
        return ProviderFailure("TIMEOUT", "the function took too long")
    if isinstance(exc, _UNREADABLE):
        return ProviderFailure("BAD_RESPONSE", name)
    return ProviderFailure("SERVER_ERROR", f"the function raised {name}")


def _lost() -> ProviderFailure:
    return ProviderFailure("SERVER_ERROR", "the call is not known there", outcome="unknown")

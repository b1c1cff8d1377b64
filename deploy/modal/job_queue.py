"""The polling form of the contract over Modal's own calls, which any container can look up."""

from collections.abc import Mapping
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from services.generator.sdxl.wishes import FailureCode
from services.generator.worker.bodies import read_body
from services.generator.worker.orders import read_order
from services.generator.worker.refusals import STATUS, DoorCode, Refusal
from services.generator.worker.token import RequireToken
from services.generator.worker.web import NEVER_CACHED, ORDER, POLL_AGAIN_S, speak_the_contract

MAX_BODY_BYTES = 64 * 1024

Result = Mapping[str, Any]
"""What a call returned: an answer, or `{error, error_code, …}`."""


class UnknownCall(Exception):
    """Nobody knows the call, or its result has expired."""


class Calls(Protocol):
    """Calls of a deployed function."""

    async def spawn(self, order: Mapping[str, Any]) -> str:
        """Begin a call; its id."""
        ...

    async def result(self, call_id: str) -> Result | None:
        """What it returned; None while it runs. Raises UnknownCall."""
        ...


router = APIRouter(prefix=ORDER)


@router.post("/submit")
async def submit(request: Request) -> JSONResponse:
    """Hand an order on, once it is known to be one."""
    order = read_order(await read_body(request, MAX_BODY_BYTES))
    call_id = await _calls(request).spawn(order.model_dump(exclude_none=True))
    return JSONResponse({"call_id": call_id}, 202, NEVER_CACHED)


@router.get("/result/{call_id}")
async def tell_result(request: Request, call_id: str) -> JSONResponse:
    """What came of it, or that it runs."""
    try:
        result = await _calls(request).result(call_id)
    except UnknownCall:
        raise Refusal(DoorCode.NOT_FOUND, "No such call, or its result has expired.") from None
    if result is None:
        headers = NEVER_CACHED | {"Retry-After": str(POLL_AGAIN_S)}
        return JSONResponse({"status": "running"}, 202, headers)
    return JSONResponse(dict(result), _status(result), NEVER_CACHED)


def application(calls: Calls, token: SecretStr) -> FastAPI:
    """The two addresses, for whoever has the token."""
    app = FastAPI(title="Atelier image worker", openapi_url=None, telemetry={"logs": False})
    app.state.calls = calls
    app.include_router(router)
    app.add_middleware(RequireToken, token=token)
    speak_the_contract(app)
    return app


def _calls(request: Request) -> Calls:
    calls: Calls = request.app.state.calls
    return calls


def _status(result: Result) -> int:
    code = result.get("error_code")
    return 200 if code is None else STATUS.get(FailureCode(code), 500)

"""The worker's HTTP application: order and health, by docs/worker-contract.md."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.generator.sdxl.wishes import EngineState, ImageEngine
from services.generator.worker.answers import answer_bytes
from services.generator.worker.bodies import read_body
from services.generator.worker.leaving import ClientLeft, while_client_waits
from services.generator.worker.making import Made, Making
from services.generator.worker.orders import read_order
from services.generator.worker.refusals import DoorCode, Refusal
from services.generator.worker.results import Reply, Results
from services.generator.worker.token import RequireToken
from shared.logs import mask

ORDER = "/generate-image"
HEALTH = "/health"
POLL_AGAIN_S = 2
NEVER_CACHED = {"Cache-Control": "no-store"}
_CLIENT_LEFT = 499  # nobody reads it
_PAGES = {404: DoorCode.NOT_FOUND, 405: DoorCode.METHOD_NOT_ALLOWED}


@dataclass(frozen=True, slots=True)
class Door:
    """What requests come through to."""

    making: Making
    results: Results
    max_body_bytes: int


router = APIRouter()
submissions = APIRouter()


@router.get(HEALTH)
async def tell_health(request: Request) -> JSONResponse:
    """How the worker is: 200 while it makes images, 503 while it does not (yet, or any more)."""
    making = _door(request).making
    told = health_of(making.engine) | ({"status": "stopping"} if making.is_closed else {})
    is_serving = told["status"] in {EngineState.READY, EngineState.DEGRADED}
    return JSONResponse(told, 200 if is_serving else 503, NEVER_CACHED)


@router.post(ORDER)
async def generate_image(request: Request) -> Response:
    """The image, in the answer to the request."""
    task = await _begin(request)
    return _response(await while_client_waits(request, task))


@submissions.post(f"{ORDER}/submit")
async def submit(request: Request) -> JSONResponse:
    """Take an order on; whoever asks for its result need not keep the connection."""
    task = await _begin(request)
    call_id = _door(request).results.add(task)
    return JSONResponse({"call_id": call_id}, 202, NEVER_CACHED)


@submissions.get(f"{ORDER}/result/{{call_id}}")
async def tell_result(request: Request, call_id: str) -> Response:
    """What came of a submitted order, or that it runs."""
    task = _door(request).results.find(call_id)
    if task is None:
        raise Refusal(DoorCode.NOT_FOUND, "No such call, or its result has expired.")
    if not task.done():
        headers = NEVER_CACHED | {"Retry-After": str(POLL_AGAIN_S)}
        return JSONResponse({"status": "running"}, 202, headers)
    reply = task.result()
    return _response(reply if reply.refusal is None else Made(refusal=reply.refusal.final))


def application(door: Door, token: SecretStr | None, *, takes_submissions: bool = True) -> FastAPI:
    """Routes, the look at the token, and every error in the words of the contract."""
    app = FastAPI(
        title="Atelier image worker",
        openapi_url=None,
        redirect_slashes=False,
        # Its logs would hold the inputs of refused requests.
        telemetry={"logs": False},
    )
    app.state.door = door
    app.include_router(router)
    if takes_submissions:
        app.include_router(submissions)
    if token is not None:
        app.add_middleware(RequireToken, token=token)
    speak_the_contract(app)
    return app


def speak_the_contract(app: FastAPI) -> None:
    """Have every error told in the words of the contract."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientLeft, _on_left)
    app.add_exception_handler(ClientDisconnect, _on_left)
    app.add_exception_handler(Exception, _on_bug)


def health_of(engine: ImageEngine) -> dict[str, Any]:
    """What the engine is and does, for everybody to see."""
    health = engine.health()
    return {
        "status": health.state.value,
        "detail": mask(health.detail),
        "model": health.model,
        "device": health.device,
        "slots": {"all": health.slots, "taken": health.slots_taken},
        "queue": {"running": health.running, "waiting": health.waiting, "room": health.room},
    }


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def _begin(request: Request) -> "asyncio.Task[Reply]":
    door = _door(request)
    order = read_order(await read_body(request, door.max_body_bytes))
    return door.making.begin(order.wish, answer_bytes)


def _response(reply: Reply) -> Response:
    if reply.refusal is not None:
        return _refused(reply.refusal)
    return Response(reply.answer, media_type="application/json", headers=NEVER_CACHED)


def _refused(refusal: Refusal) -> JSONResponse:
    return JSONResponse(refusal.body, refusal.status, NEVER_CACHED | refusal.headers)


async def _on_refusal(_: Request, exc: Exception) -> Response:
    if not isinstance(exc, Refusal):
        raise exc
    return _refused(exc)


async def _on_http(_: Request, exc: Exception) -> Response:
    if not isinstance(exc, HTTPException):
        raise exc
    code = _PAGES.get(exc.status_code, DoorCode.INVALID_REQUEST)
    answer = _refused(Refusal(code, f"{exc.detail}."))
    answer.headers.update(exc.headers or {})
    return answer


async def _on_left(_: Request, _exc: Exception) -> Response:
    return Response(status_code=_CLIENT_LEFT)


async def _on_bug(_: Request, _exc: Exception) -> Response:
    # The traceback goes to the log by way of the server.
    return _refused(Refusal(DoorCode.INTERNAL_ERROR, "Something went wrong here."))

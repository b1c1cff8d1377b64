"""Every refusal as problem details (RFC 9457) with a code that never changes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from services.gateway.domain.planner import PlanError
from services.gateway.handler.strict_bodies import UnreadableBody
from shared.breaker import PAUSE_S
from shared.outcomes import TryLater
from shared.problem_kinds import PROBLEM_KINDS
from shared.problems import Problem, ProblemDetails

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
_RETRY_S = {
    # A provider that has failed too often is left alone for so long.
    "providers_unavailable": round(PAUSE_S),
    # Captions take a few seconds.
    "request_under_way": 5,
}
_MAX_FIELD = 120
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
# Clients learn nothing of the inside.
_BUG = ProblemDetails(
    code="internal_error", status=500, detail="Something went wrong here; it is in our log."
)


class FieldError(BaseModel):
    """One input that cannot be accepted."""

    field: str = Field(examples=["tier_distribution.capa1_ratio"])
    code: str = Field(examples=["less_than_equal"])
    message: str = Field(examples=["Input should be less than or equal to 1"])


class ProblemBody(BaseModel):
    """Problem details of RFC 9457: what was refused, why, and what to do about it."""

    type: str = Field(examples=["urn:atelier:problem:avatar_without_lora"])
    title: str = Field(examples=["Avatar without lora"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["Avatar has no trained LoRA weights"])
    code: str = Field(description="stable, for machines", examples=["avatar_without_lora"])
    instance: str = Field(description="the path that was asked for")
    field: str | None = Field(default=None, description="the input it is about")
    errors: list[FieldError] | None = Field(default=None, description="every input at fault")
    task_id: str | None = Field(default=None, description="the task it is about")
    task_url: str | None = Field(default=None, description="where to follow that task")


class AboutTask(Problem):
    """A refusal that comes with a task, so that nobody orders again what is already ordered."""

    def __init__(self, details: ProblemDetails, task_id: str, task_url: str) -> None:
        super().__init__(details.status, details.code, details.detail, field=details.field)
        self.task_id = task_id
        self.task_url = task_url


def problem_response(
    path: str,
    details: ProblemDetails,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """Render a refusal; `more` are further members of the problem."""
    details = _documented(details)
    body = ProblemBody(
        type=f"urn:atelier:problem:{details.code}",
        title=details.code.replace("_", " ").capitalize(),
        instance=path,
        **details.model_dump(),
        **more,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=details.status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def _documented(details: ProblemDetails) -> ProblemDetails:
    """The refusal, unless no table tells clients what it means: that is a bug of ours."""
    kind = PROBLEM_KINDS.get(details.code)
    if kind is not None and kind.status == details.status:
        return details
    log.error("problem.undocumented", code=details.code, status=details.status)
    return _BUG


def unavailable(path: str, detail: str) -> JSONResponse:
    """503: nobody can serve this now, but soon somebody may."""
    details = ProblemDetails(code="unavailable", status=503, detail=detail)
    return problem_response(path, details, headers=_retry_after(details))


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(PlanError, _on_plan_error)
    app.add_exception_handler(TryLater, _on_try_later)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(UnreadableBody, _on_unreadable)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


async def _on_problem(request: Request, exc: Exception) -> JSONResponse:
    match exc:
        case AboutTask(details=details, task_id=task_id, task_url=task_url):
            headers = {"Location": task_url} | _retry_after(details)
            more = {"task_id": task_id, "task_url": task_url}
            return problem_response(request.url.path, details, headers=headers, **more)
        case Problem(details=details):
            headers = _retry_after(details)
            return problem_response(request.url.path, details, headers=headers)
    raise exc


def _retry_after(details: ProblemDetails) -> dict[str, str]:
    usual_s = RETRY_AFTER_S if details.status == 503 else None
    retry_s = _RETRY_S.get(details.code, usual_s)
    return {} if retry_s is None else {"Retry-After": str(retry_s)}


def details_of(exc: Problem | PlanError | RequestValidationError) -> ProblemDetails:
    """What is wrong with a request, in the words of both doors."""
    match exc:
        case Problem(details=details):
            return details
        case PlanError():
            return ProblemDetails(code=exc.code, status=422, detail=str(exc), field=exc.field)
    return _invalid([_field_error(error) for error in exc.errors()])


async def _on_plan_error(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, PlanError):
        raise exc
    return problem_response(request.url.path, details_of(exc))


async def _on_try_later(request: Request, exc: Exception) -> JSONResponse:
    log.warning("request.unavailable", path=request.url.path, cause=str(exc))
    return unavailable(request.url.path, "A part of the system does not answer; try again soon.")


async def _on_invalid(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, RequestValidationError):
        raise exc
    errors = [_field_error(error) for error in exc.errors()]
    return problem_response(request.url.path, _invalid(errors), errors=errors)


async def _on_unreadable(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, UnreadableBody):
        raise exc
    place = (exc.error.place or "body")[:_MAX_FIELD]
    errors = [FieldError(field=place, code=exc.error.code, message=exc.detail)]
    return problem_response(request.url.path, _invalid(errors), errors=errors)


def _invalid(errors: Sequence[FieldError]) -> ProblemDetails:
    first = errors[0]
    return ProblemDetails(
        code="validation_error",
        status=422,
        detail=f"{first.field}: {first.message}",
        field=first.field,
    )


def _field_error(error: Mapping[str, Any]) -> FieldError:
    # Where and what kind, never the input itself: it may hold anything, secrets included.
    where, *rest = (str(part) for part in error["loc"])
    if error["type"] == "json_invalid" or not rest:
        rest = [where]
    return FieldError(field=".".join(rest)[:_MAX_FIELD], code=error["type"], message=error["msg"])


async def _on_http(request: Request, exc: Exception) -> JSONResponse:
    if not isinstance(exc, HTTPException):
        raise exc
    phrase = HTTPStatus(exc.status_code).phrase
    code = _CODES.get(exc.status_code)
    details = ProblemDetails(
        code=code or "bad_request",
        status=exc.status_code if code else 400,
        detail=exc.detail if exc.detail and exc.detail != phrase else f"{phrase}.",
    )
    headers = dict(exc.headers or {})
    if exc.status_code == 405:
        # The framework names the methods of one route, and a path may have several.
        headers |= _allowed(request.app, request.url.path)
    return problem_response(request.url.path, details, headers=headers)


def _allowed(app: FastAPI, path: str) -> dict[str, str]:
    """Every method of a documented path; a path without parameters goes before one that has."""
    documented: dict[str, dict[str, Any]] = app.openapi()["paths"]
    operations = documented.get(path) or next(
        (known for template, known in documented.items() if compile_path(template)[0].match(path)),
        {},
    )
    return {"Allow": ", ".join(method.upper() for method in operations)} if operations else {}


async def _on_bug(request: Request, _exc: Exception) -> JSONResponse:
    # The traceback goes to the log by way of the server.
    return problem_response(request.url.path, _BUG)

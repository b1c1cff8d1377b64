"""The gateway's API as commands use it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import httpx2
import typer
from pydantic import BaseModel, ValidationError

from cli.output import fail
from shared.api_keys import PlainKey
from shared.problem_kinds import PROBLEM_KINDS

_TIMEOUT_S = 30.0
_WHERE = "Is ATELIER_URL right, and the gateway up?"

Url = Annotated[
    str, typer.Option("--url", envvar="ATELIER_URL", help="The gateway, without a path.")
]
Key = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        envvar="ATELIER_API_KEY",
        help="API key; better set in the environment than typed.",
    ),
]
DEFAULT_URL = "http://127.0.0.1:8080"


class _Fault(BaseModel):
    field: str
    message: str


class _Refusal(BaseModel):
    code: str
    detail: str
    errors: list[_Fault] = []


class Api:
    """Requests with a key; refusals end the command with their code and what to do."""

    def __init__(self, url: str, key: PlainKey) -> None:
        self._client = httpx2.Client(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers={"X-API-Key": key.whole},
            timeout=_TIMEOUT_S,
        )

    def __call__(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The object that was answered."""
        try:
            answer = self._client.request(method, path, **options)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            fail(f"the gateway does not answer: {type(exc).__name__}", next_step=_WHERE)
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not answer.is_success:
            _refused(answer, said)
        if not isinstance(said, dict):
            fail(_no_gateway(answer), next_step=_WHERE)
        return said

    def close(self) -> None:
        """Leave the gateway."""
        self._client.close()


@contextmanager
def api(url: str, key: str | None) -> Iterator[Api]:
    """The API for one command."""
    if not key:
        fail("no API key", next_step="Set ATELIER_API_KEY, or run this by ./dev atelier.")
    plain = PlainKey.read(key.strip())
    if plain is None:
        # Without the text: it may be most of a key.
        fail("that is no API key", next_step="ATELIER_API_KEY has the form atl_<id>_<secret>.")
    try:
        client = Api(url, plain)
    except httpx2.InvalidURL:
        fail("that is no URL", next_step=_WHERE)
    try:
        yield client
    finally:
        client.close()


def _refused(answer: httpx2.Response, said: object) -> NoReturn:
    try:
        problem = _Refusal.model_validate(said)
    except ValidationError:
        fail(_no_gateway(answer), next_step=_WHERE)
    known = PROBLEM_KINDS.get(problem.code)
    # The detail tells the first fault.
    faults = [f"{fault.field}: {fault.message}" for fault in problem.errors[1:]]
    fail(
        "\n".join([f"{problem.code}: {problem.detail}", *faults]),
        next_step=known.remedy if known else "",
    )


def _no_gateway(answer: httpx2.Response) -> str:
    return f"{answer.status_code} {answer.reason_phrase}, which is no answer of a gateway"

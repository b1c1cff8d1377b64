"""The gateway's API as commands use it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import httpx2
import typer

from cli.output import fail

_TIMEOUT_S = 30.0

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


class Api:
    """Requests with a key; refusals end the command with their code and what to do."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx2.Client(
            base_url=f"{url.rstrip('/')}/api/v1", headers={"X-API-Key": key}, timeout=_TIMEOUT_S
        )

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of the answer."""
        try:
            answer = self._client.request(method, path, **options)
        except httpx2.HTTPError as exc:
            step = "Is ATELIER_URL right, and the gateway up?"
            fail(f"the gateway does not answer: {type(exc).__name__}", next_step=step)
        if not answer.is_success:
            fail(_explained(answer))
        return answer.json()

    def close(self) -> None:
        """Leave the gateway."""
        self._client.close()


@contextmanager
def api(url: str, key: str | None) -> Iterator[Api]:
    """The API for one command."""
    if not key:
        fail("no API key", next_step="Set ATELIER_API_KEY, or run this by ./dev atelier.")
    client = Api(url, key)
    try:
        yield client
    finally:
        client.close()


def _explained(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
        return f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}, which is no answer of a gateway"

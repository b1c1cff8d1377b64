"""Links of the OpenAPI document: which answer leads to which question."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_API = "/api/v1"
_AVATAR = f"{_API}/avatars/{{avatar_id}}"
_TASK = f"{_API}/content/tasks/{{task_id}}"
_PIECE = f"{_API}/content/pieces/{{piece_id}}"


@dataclass(frozen=True, slots=True)
class _Link:
    """A value of the answer to `source` is the parameter `target` asks for."""

    source: tuple[str, str, str]
    value: str
    parameter: str
    targets: tuple[tuple[str, str], ...]


_OF_AN_AVATAR = (
    ("get", _AVATAR),
    ("patch", _AVATAR),
    ("delete", _AVATAR),
    ("post", f"{_AVATAR}/unfreeze"),
    ("get", f"{_API}/content/avatar/{{avatar_id}}/content"),
    ("get", f"{_API}/content/stats/{{avatar_id}}"),
)
_OF_A_TASK = (
    ("get", _TASK),
    ("post", f"{_TASK}/cancel"),
    ("get", f"{_API}/loras/training/status/{{task_id}}"),
)
_OF_A_PIECE = (
    ("get", _PIECE),
    ("post", f"{_PIECE}/publish"),
    ("post", f"{_PIECE}/takedown"),
)

_LINKS = (
    _Link(("post", f"{_API}/avatars", "201"), "/id", "avatar_id", _OF_AN_AVATAR),
    _Link(("post", f"{_API}/content/batch", "202"), "/task_id", "task_id", _OF_A_TASK),
    _Link(("post", f"{_API}/content/batch/sync", "200"), "/task_id", "task_id", _OF_A_TASK),
    _Link(("post", f"{_API}/content/batch/sync", "504"), "/task_id", "task_id", _OF_A_TASK),
    _Link(("post", f"{_API}/content/generate", "200"), "/id", "piece_id", _OF_A_PIECE),
    _Link(("post", f"{_API}/content/generate", "202"), "/task_id", "task_id", _OF_A_TASK),
    _Link(("post", f"{_API}/content/generate", "504"), "/task_id", "task_id", _OF_A_TASK),
    _Link(
        ("post", f"{_API}/keys", "201"),
        "/key_id",
        "key_id",
        (("delete", f"{_API}/keys/{{key_id}}"),),
    ),
)


def add_links(paths: dict[str, Any]) -> None:
    """Put the links into a document's paths."""
    for link in _LINKS:
        method, path, status = link.source
        response = paths[path][method]["responses"][status]
        response["links"] = response.get("links", {}) | dict(_rendered(link, paths))


def _rendered(link: _Link, paths: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for method, path in link.targets:
        operation = paths[path][method]
        yield (
            operation["operationId"],
            {
                "operationId": operation["operationId"],
                "parameters": {link.parameter: f"$response.body#{link.value}"},
                "description": operation["summary"],
            },
        )

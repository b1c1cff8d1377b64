"""Two plain pages for people: where to go, and what can be asked."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}"
    "code{font:14px ui-monospace,monospace}dt{margin-top:1rem}dd{margin:0;color:#555}"
)
_START = """
<h1>Atelier</h1>
<p>Images of trained AI avatars, at scale.</p>
<ul>
  <li><a href="/health">How the system is</a></li>
  <li><a href="/docs">What the API can do</a></li>
  <li><a href="/api/v1/openapi.json">The same as an OpenAPI document</a></li>
</ul>
<p>The API wants a key: <code>curl -H "X-API-Key: atl_…" …/api/v1/content/templates</code></p>
"""


@router.get("/")
async def start() -> HTMLResponse:
    """Where to go from here."""
    return _page("Atelier", _START)


@router.get("/docs")
async def reference(request: Request) -> HTMLResponse:
    """Every operation of the API on one page, without scripts from elsewhere."""
    document: dict[str, Any] = request.app.openapi()
    rows = [
        _operation(method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return _page("Atelier API", f"<h1>Atelier API</h1><dl>{''.join(rows)}</dl>")


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    names = ", ".join(each["name"] for each in operation.get("parameters", ()))
    statuses = " ".join(sorted(operation["responses"]))
    told = escape(operation.get("description", ""))
    extras = f"{f'Parameters: {names}. ' if names else ''}Answers: {statuses}."
    return (
        f"<dt><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</dt>"
        f"<dd>{told} {escape(extras)}</dd>"
    )


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><body>{body}</body></html>",
        headers=_HEADERS,
    )

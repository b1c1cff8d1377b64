"""Conditional requests (RFC 9110, section 13)."""

from starlette.requests import Request


def not_modified(request: Request, etag: str) -> bool:
    """Whether the client already holds this version."""
    given = request.headers.get("if-none-match", "")
    held = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return etag in held or "*" in held

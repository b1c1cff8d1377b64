"""Serve objects of the local directory: open ones to all, others by signed links.

What is held for review opens by links for reviewers alone, and those open nothing else.
"""

import asyncio
import re

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from services.gateway.handler.conditional import not_modified
from services.gateway.handler.door import Door, Open
from services.gateway.ports import FoundFile
from shared import links
from shared.problems import Problem

router = APIRouter(tags=["objects"], include_in_schema=False)

_OPEN = "public, max-age=31536000, immutable"
_PRIVATE = "private, no-store"
_SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Accept-Ranges": "none",
}
_SECONDS = re.compile(r"[0-9]{1,12}")


class WholeFile(FileResponse):
    """A file, always in full: the framework refuses odd ranges in plain text, so none are read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


@router.api_route("/objects/{key:path}", methods=["GET", "HEAD"])
async def read_object(key: str, request: Request, door: Open) -> Response:
    """A file. Whatever may not be read looks as if it did not exist."""
    # No valid key needs escapes; with them two spellings of one path would exist.
    if b"%" in request.scope.get("raw_path", b""):
        raise _nothing()
    # Said twice or in another way it means nothing, rather than what somebody may read into it.
    match request.query_params.getlist("review"):
        case []:
            return await _delivered(door, key, request)
        case ["1"]:
            return await _held(door, key, request)
    raise _nothing()


async def _delivered(door: Door, key: str, request: Request) -> Response:
    found = await asyncio.to_thread(door.files.public, key)
    if found is not None:
        return _answer(request, found, _OPEN)
    if _is_signed(door, key, request, in_review=False):
        found = await asyncio.to_thread(door.files.private, key)
        if found is not None:
            return _answer(request, found, _PRIVATE)
    raise _nothing()


async def _held(door: Door, key: str, request: Request) -> Response:
    if _is_signed(door, key, request, in_review=True):
        found = await asyncio.to_thread(door.files.held, key)
        if found is not None:
            return _answer(request, found, _PRIVATE)
    raise _nothing()


def _is_signed(door: Door, key: str, request: Request, *, in_review: bool) -> bool:
    expires = request.query_params.get("expires", "")
    signature = request.query_params.get("signature", "")
    if not _SECONDS.fullmatch(expires):
        return False
    now = int(door.now().timestamp())
    return links.is_valid(
        door.link_signing_key, key, int(expires), signature, now=now, in_review=in_review
    )


def _answer(request: Request, found: FoundFile, cache_control: str) -> Response:
    headers = {**_SAFETY, "Cache-Control": cache_control, "ETag": found.etag}
    if not_modified(request, found.etag):
        return Response(status_code=304, headers=headers)
    return WholeFile(found.path, media_type=found.media_type, headers=headers)


def _nothing() -> Problem:
    return Problem(404, "object_not_found", "There is no such object, or the link has expired.")

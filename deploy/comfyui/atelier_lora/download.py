"""Fetch weights from a link: from allowed origins only, without detours, up to a size."""

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from .failures import LoraDownloadFailed

_READ_S = 30.0
_ALL_S = 240.0
_CHUNK = 2**20
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _NoDetours(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoDetours)


@dataclass(frozen=True)
class Fetched:
    """The sha256 of what was written, and the name that the server gives to this state of it."""

    sha256: str
    etag: str | None


def check_origin(link: str, origins: frozenset[str]) -> str:
    """The link without its signature. Raises LoraDownloadFailed for what is not allowed."""
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        raise LoraDownloadFailed("not a link") from None
    origin = f"{parts.scheme}://{(parts.hostname or '').lower()}"
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        origin += f":{port}"
    if origin not in origins or parts.username is not None or parts.password is not None:
        raise LoraDownloadFailed("its origin is not among ATELIER_LORA_ORIGINS")
    return origin + parts.path


def fetch(
    link: str, to: Path, *, most_bytes: int, known_etag: str | None, limit_s: float = _ALL_S
) -> Fetched | None:
    """Write what the link gives to a file; None when it is still what is known by its etag.

    Raises LoraDownloadFailed. Check the link's origin first.
    """
    headers = {} if known_etag is None else {"If-None-Match": known_etag}
    request = urllib.request.Request(link, headers=headers)  # noqa: S310 - its origin is checked
    try:
        with _OPENER.open(request, timeout=_READ_S) as answer, to.open("wb") as file:
            _check_answer(answer, most_bytes)
            digest = _copied(answer, file, most_bytes, time.monotonic() + limit_s)
            return Fetched(digest, answer.headers.get("ETag"))
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code == 304 and known_etag is not None:
            return None
        raise LoraDownloadFailed(f"HTTP {exc.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as exc:
        # Not as its cause: ComfyUI logs tracebacks, and these may quote the link.
        raise LoraDownloadFailed(type(exc).__name__) from None


def _check_answer(answer: http.client.HTTPResponse, most_bytes: int) -> None:
    if answer.headers.get_content_type() == "text/html":
        raise LoraDownloadFailed("a page, no weights")
    if (answer.length or 0) > most_bytes:
        raise LoraDownloadFailed("larger than ATELIER_LORA_MAX_MB")


def _copied(answer: http.client.HTTPResponse, file: BinaryIO, most_bytes: int, until: float) -> str:
    digest, size, expected = hashlib.sha256(), 0, answer.length
    # read1 returns what has come: a read that drips would never look at the clock.
    while chunk := answer.read1(_CHUNK):
        size += len(chunk)
        if size > most_bytes:
            raise LoraDownloadFailed("larger than ATELIER_LORA_MAX_MB")
        if time.monotonic() > until:
            raise LoraDownloadFailed("it takes too long")
        digest.update(chunk)
        file.write(chunk)
    if expected is not None and size != expected:
        raise LoraDownloadFailed("the connection was cut")
    return digest.hexdigest()

"""Fetch the image of a held piece by its link."""

import os
from pathlib import Path

import httpx2

from cli.output import errors, fail, printable

_TIMEOUT_S = 30.0
_FRESH = "Links live for five minutes; show the piece again for a fresh one."


def save_image(url: str, path: Path) -> None:
    """Write the image to a new file that nobody else may read. The link is never told."""
    try:
        # No key goes along: the link is all that is needed, wherever it leads.
        answer = httpx2.get(url, timeout=_TIMEOUT_S)
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        fail(f"the image cannot be fetched: {type(exc).__name__}", next_step=_FRESH)
    if not answer.is_success:
        fail(f"the image cannot be fetched: {answer.status_code}", next_step=_FRESH)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(answer.content)
    except OSError as exc:
        fail(f"{path}: {exc.strerror}", next_step="Name a file that does not exist yet.")
    errors.print(f"{printable(str(path))}: {len(answer.content)} bytes", markup=False)

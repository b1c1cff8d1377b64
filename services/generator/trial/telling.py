"""What a trial says: its news on stderr, its result on stdout, and no secret on either."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.logs import MASK, mask

_EVERY_S = 1.0
_QUIET_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Teller:
    """Speaks to a person, or as JSON. Whatever a vendor says, `secrets` are not repeated."""

    secrets: Collection[str]
    as_json: bool

    def news(self, line: str) -> None:
        """Something to know while the rest is still to come."""
        sys.stderr.write(f"{self.clean(line)}\n")
        sys.stderr.flush()

    def result(self, known: Mapping[str, object], rows: Mapping[str, str]) -> None:
        """The end: `known` for machines, `rows` for people."""
        if self.as_json:
            clean = {name: self._clean_value(value) for name, value in known.items()}
            sys.stdout.write(json.dumps(clean, indent=2) + "\n")
            return
        width = max(map(len, rows))
        for name, value in rows.items():
            sys.stdout.write(f"{name:<{width}}  {self.clean(value)}\n")

    def clean(self, text: str) -> str:
        """The text without secrets, and without signs that a terminal would obey."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return "".join(
            sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in mask(text)
        )

    def _clean_value(self, value: object) -> object:
        return self.clean(value) if isinstance(value, str) else value


@asynccontextmanager
async def ticking(what: str) -> AsyncIterator[None]:
    """Say that something goes on, and for how long: one changing line on a terminal, else few."""
    ticker = asyncio.create_task(_tick(what))
    try:
        yield
    finally:
        ticker.cancel()
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


async def _tick(what: str) -> None:
    began = time.monotonic()
    is_person = sys.stderr.isatty()
    form = "\r\x1b[2K{} {:.0f} s" if is_person else "{} {:.0f} s\n"
    while True:
        await asyncio.sleep(_EVERY_S if is_person else _QUIET_EVERY_S)
        sys.stderr.write(form.format(what, time.monotonic() - began))
        sys.stderr.flush()

"""Where the lines of the child processes go: files always, the terminal when there is one."""

import asyncio
import contextlib
import logging.handlers
import os
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, TextIO

MAX_LOG_BYTES = 20_000_000
KEPT_LOGS = 2
CHUNK_BYTES = 65_536
PALETTE = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


class LineSink(Protocol):
    """Takes one line that `name` has said."""

    def write(self, name: str, line: str) -> None:
        """Keep or show the line."""


class LogFiles:
    """One file for each service in `directory`, renewed before it grows without bound."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._handlers: dict[str, logging.Handler] = {}

    def write(self, name: str, line: str) -> None:
        """Append the line to the service's file."""
        self._handler(name.partition(".")[0]).emit(
            logging.LogRecord(name, logging.INFO, "", 0, f"{name} | {line}", None, None)
        )

    def close(self) -> None:
        """Close every file."""
        for handler in self._handlers.values():
            handler.close()

    def _handler(self, service: str) -> logging.Handler:
        if service not in self._handlers:
            self._handlers[service] = logging.handlers.RotatingFileHandler(
                self._directory / f"{service}.log",
                maxBytes=MAX_LOG_BYTES,
                backupCount=KEPT_LOGS,
                encoding="utf-8",
            )
        return self._handlers[service]


class Terminal:
    """Prefixed lines on a stream; coloured by name when it is a terminal."""

    def __init__(self, stream: TextIO = sys.stdout, *, width: int = 11) -> None:
        self._stream = stream
        self._width = width
        self._coloured = stream.isatty()

    def write(self, name: str, line: str) -> None:
        """Print the line behind its name."""
        prefix = f"{name:<{self._width}} |"
        if self._coloured:
            colour = PALETTE[zlib.crc32(name.encode()) % len(PALETTE)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        print(prefix, line, file=self._stream, flush=True)


class Tee:
    """Hands each line to several sinks."""

    def __init__(self, *sinks: LineSink) -> None:
        self._sinks = sinks

    def write(self, name: str, line: str) -> None:
        """Hand the line on."""
        for sink in self._sinks:
            sink.write(name, line)


@contextlib.asynccontextmanager
async def open_lines(descriptor: int) -> AsyncIterator[AsyncIterator[str]]:
    """Read lines from a pipe; closes it at the end."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        yield _lines(reader)
    finally:
        transport.close()
        await asyncio.sleep(0)  # the pipe itself is closed in the loop's next turn


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield lines of any length; a very long one comes in parts."""
    rest = b""
    while chunk := await reader.read(CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
        if len(rest) > CHUNK_BYTES:
            yield rest.decode(errors="replace")
            rest = b""
    if rest:
        yield rest.decode(errors="replace")

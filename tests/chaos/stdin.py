"""The standard input of a helper process: orders by line, and its end is the end."""

import asyncio
import sys


async def stdin_lines() -> asyncio.StreamReader:
    """The standard input as a stream."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def until_stdin_ends() -> None:
    """Return when whoever started us has closed the pipe, or is gone."""
    await (await stdin_lines()).read()

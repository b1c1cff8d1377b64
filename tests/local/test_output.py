"""Lines of child processes on their way to files and terminals."""

import io
import os
from pathlib import Path

from deploy.local.output import CHUNK_BYTES, LogFiles, Tee, Terminal, open_lines


class FakeTerminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


async def read_all(written: bytes) -> list[str]:
    read_end, write_end = os.pipe()
    os.write(write_end, written)
    os.close(write_end)
    async with open_lines(read_end) as said:
        return [line async for line in said]


async def test_lines_are_split_and_a_missing_last_newline_does_not_matter() -> None:
    assert await read_all(b"one\r\ntwo\n\nfour") == ["one", "two", "", "four"]


async def test_bytes_that_are_no_text_do_not_stop_the_reading() -> None:
    assert await read_all(b"\xff\xfe\nafter\n") == ["��", "after"]


async def test_a_line_longer_than_any_buffer_comes_whole_in_parts() -> None:
    lines = await read_all(b"x" * (CHUNK_BYTES // 2) + b"\nlast\n")
    assert "".join(lines) == "x" * (CHUNK_BYTES // 2) + "last"


def test_colours_are_for_terminals_only() -> None:
    plain, colourful = io.StringIO(), FakeTerminal()
    Tee(Terminal(plain), Terminal(colourful)).write("hooks", "ready")
    assert plain.getvalue() == "hooks       | ready\n"
    assert colourful.getvalue().startswith("\x1b[")


def test_replicas_share_the_file_of_their_service(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    files.write("generator.1", "a")
    files.write("generator.2", "b")
    files.close()
    assert (tmp_path / "generator.log").read_text() == "generator.1 | a\ngenerator.2 | b\n"

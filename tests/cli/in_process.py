"""A module as `python -m` runs it, but in this process: what it imports is imported once.

A signal, and what others can see of a process, need a real one.
"""

import contextvars
import io
import json
import logging
import os
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest import mock

import structlog


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run_here(module: str, *arguments: str, **environment: str) -> Said:
    """Run `python -m module` with this environment and no other."""
    return call_here(lambda: _run(module), module, *arguments, **environment)


def call_here(main: Callable[[], object], *argv: str, **environment: str) -> Said:
    """Call what a program calls, with these arguments and this environment alone."""
    out, err = io.StringIO(), io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.object(sys, "stdin", io.StringIO()),
        mock.patch.object(sys, "argv", [*argv]),
        mock.patch.dict(os.environ, environment, clear=True),
        _logs_as_before(),
        warnings.catch_warnings(),
    ):
        # What a program leaves running is not a leak of ours.
        warnings.simplefilter("ignore", ResourceWarning)
        code = contextvars.copy_context().run(_exit_code, main)
    return Said(code, out.getvalue(), err.getvalue())


def _run(module: str) -> None:
    runpy.run_module(module, run_name="__main__")


def _exit_code(main: Callable[[], object]) -> int:
    try:
        main()
    except SystemExit as exc:
        if isinstance(exc.code, int):
            return exc.code
        if exc.code is not None:
            sys.stderr.write(f"{exc.code}\n")
        return int(exc.code is not None)
    return 0


@contextmanager
def _logs_as_before() -> Iterator[None]:
    """Take back what the module does to the logs of its process, which is ours."""
    root, known = logging.getLogger(), structlog.get_config()
    levels = {name: logging.getLogger(name).level for name in ("", *root.manager.loggerDict)}
    handlers, root.handlers[:] = root.handlers[:], []
    try:
        with mock.patch.object(structlog, "configure", _configure_uncached):
            yield
    finally:
        structlog.configure(**known)
        root.handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _configure_uncached(configure: Any = structlog.configure, **settings: Any) -> None:
    # A logger that keeps what it was first given would write to a closed page for ever.
    configure(**settings | {"cache_logger_on_first_use": False})

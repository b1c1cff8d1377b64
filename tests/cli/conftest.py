"""The command line as a process would run it, against real servers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.cli.in_process import Said
from tests.permissions.conftest import Guarded, guarded

__all__ = ["guarded"]

Atelier = Callable[..., Any]


@pytest.fixture
def atelier(guarded: Guarded) -> Atelier:
    """Run `atelier …` as the operator of the guarded broker."""

    async def run(*arguments: str, answer: str = "", **environment: str) -> Said:
        known = {
            "NATS_URL": guarded.server.url,
            "NATS_NKEY_SEED": guarded.users.seed("operator"),
            "COLUMNS": "200",
        }

        def invoke() -> Said:
            result = CliRunner().invoke(
                app, list(arguments), input=answer, env={**known, **environment}
            )
            return Said(result.exit_code, result.stdout, result.stderr)

        return await asyncio.to_thread(invoke)

    return run

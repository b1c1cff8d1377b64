"""`atelier attempts`: provider calls and bills, against a real gateway on a socket."""

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import calls
from shared.problems import Problem
from tests.cli.served import Run, run, served
from tests.gateway.backend import KEY
from tests.gateway.conftest import World, app, world

__all__ = ["app", "world"]

ROOT = Path(__file__).parents[2]
STEERING = "\x1b[31mred [bold]x[/bold]"
TERMINAL_LIMIT_S = 60


@pytest.fixture
async def url(world: World) -> AsyncIterator[str]:
    """Where a gateway is."""
    async with served(world) as url:
        yield url


@pytest.fixture
def atelier(url: str) -> Run:
    """Run `atelier …` with a key of the first tenant."""
    return lambda *arguments, **how: run(url, *arguments, **how)


async def test_calls_are_listed_and_chosen(atelier: Run, world: World) -> None:
    assert (await atelier("attempts")).out == "No calls.\n"
    world.backend.book("a1", outcome="succeeded", error_code=None, cost_usd_micros=12_345)
    world.backend.book("a2", provider="replicate", piece_id="q", error_code=STEERING)
    said = await atelier("attempts")
    assert said.code == 0, said.err
    _, second, first = said.out.splitlines()
    assert first.split() == [
        *("a1", "05-01", "12:00", "image", "modal_sdxl_lora", "succeeded", "$0.012345")
    ]
    assert "unknown" in second
    assert "[bold]x[/bold]" in second
    assert "\x1b" not in said.out
    for chosen in (("--outcome", "unknown"), ("--provider", "replicate"), ("--piece", "q")):
        [one] = (await atelier("attempts", *chosen, "--json")).json
        assert one["attempt_id"] == "a2"


async def test_ids_can_be_copied_from_a_narrow_terminal(atelier: Run, world: World) -> None:
    attempt_id = "c0bf2848-0917-5390-88cc-8745903ed1a8"
    world.backend.book(attempt_id)
    said = await atelier("attempts", columns=80)
    assert attempt_id in said.out
    assert max(map(len, said.out.splitlines())) <= 80


async def test_more_calls_than_fit_are_told(atelier: Run, world: World) -> None:
    for number in range(130):
        world.backend.book(f"a{number}")
    assert "and more" in (await atelier("attempts")).out
    assert len((await atelier("attempts", "--limit", "500", "--json")).json) == 130
    assert len((await atelier("attempts", "reconcile", "--json")).json) == 130


async def test_a_charge_is_booked_and_nobody_books_by_accident(atelier: Run, world: World) -> None:
    world.backend.book("a1")
    charge = ("attempts", "reconcile", "a1", "--charged", "0.012345", "--note", "invoice 7")
    refused = await atelier(*charge, answer="n\n")
    assert (refused.code, world.backend.reconciled) == (1, [])
    assert "a1 as charged $0.012345" in refused.out
    said = await atelier(*charge, "--yes")
    assert (said.code, said.out) == (0, "a1 was charged $0.012345.\n")
    [request] = world.backend.reconciled
    assert (request.cost_usd_micros, request.note, request.by) == (12_345, "invoice 7", "k1")


async def test_a_call_that_was_not_charged_is_told_as_json(atelier: Run, world: World) -> None:
    world.backend.book("a1")
    told = (await atelier("attempts", "reconcile", "a1", "--not-charged", "--yes", "--json")).json
    assert (told["attempt_id"], told["cost_usd"]) == ("a1", 0)
    [request] = world.backend.reconciled
    assert (request.result, request.cost_usd_micros) == ("not_charged", 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("a1",),
        ("a1", "--charged", "0.01", "--not-charged"),
        ("--not-charged",),
        ("--charged", "0.01"),
        *(("a1", "--charged", odd) for odd in ("0", "-1", "101", "free", "nan", "0.0000001")),
    ],
    ids=" ".join,
)
async def test_what_is_unclear_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    said = await run("http://127.0.0.1:9", "attempts", "reconcile", *arguments, "--yes")
    assert said.code == 2


async def test_refusals_are_told_with_code_and_next_step(atelier: Run, world: World) -> None:
    world.backend.book("a1", outcome="failed")
    for attempt_id, code in (("a1", "attempt_not_unknown"), ("../keys", "not_found")):
        said = await atelier("attempts", "reconcile", attempt_id, "--not-charged", "--yes")
        assert (said.code, said.out) == (1, "")
        assert f"{code}: " in said.err
        assert said.err.count("\n") == 2


async def test_without_an_id_what_waits_is_listed_and_nobody_is_asked_without_a_terminal(
    atelier: Run, world: World
) -> None:
    world.backend.book("a1", outcome="failed")
    nothing = await atelier("attempts", "reconcile")
    assert nothing.out == "Nothing waits to be reconciled.\n"
    world.backend.book("a2")
    said = await atelier("attempts", "reconcile")
    assert said.code == 0, said.err
    assert "a2" in said.out
    assert "a1" not in said.out
    assert "charged USD" not in said.out


async def test_on_a_terminal_each_call_is_asked_about(url: str, world: World) -> None:
    for number in range(5):
        world.backend.book(f"a{number}", call_id=f"fc-{number}")
    # From the newest on: a price, nonsense and then a price, not charged, skipped, and the end.
    code, shown = await at_a_terminal(url, "0.01", "free", "$0.02", "n", "s", "q")
    assert code == 0, shown
    assert [(one.attempt_id, one.cost_usd_micros) for one in world.backend.reconciled] == [
        ("a4", 10_000),
        ("a3", 20_000),
        ("a2", 0),
    ]
    assert "a4 was charged $0.01." in shown
    assert "fc-0" in shown


async def test_a_refusal_on_a_terminal_stops_neither_the_others_nor_is_it_forgotten(
    url: str, world: World
) -> None:
    booked = world.backend.book("a1")
    world.backend.book("gone")

    async def refuse_one(request: calls.ReconcileAttempt) -> calls.BookedAttempt:
        if request.attempt_id == "gone":
            raise Problem(409, "attempt_not_unknown", "Somebody was first.")
        world.backend.reconciled.append(request)
        return booked

    world.backend.instead["ledger.attempt.reconcile"] = refuse_one
    code, shown = await at_a_terminal(url, "n", "n")
    assert code == 1
    assert "attempt_not_unknown" in shown
    assert [one.attempt_id for one in world.backend.reconciled] == ["a1"]


async def at_a_terminal(url: str, *answers: str) -> tuple[int, str]:
    """`atelier attempts reconcile` on a terminal of its own: its exit code, and all it shows."""
    return await asyncio.to_thread(_at_a_terminal, url, answers)


def _at_a_terminal(url: str, answers: tuple[str, ...]) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "ATELIER_URL": url, "ATELIER_API_KEY": KEY, "COLUMNS": "200"}
    command = [sys.executable, "-m", "cli", "attempts", "reconcile"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=ROOT
    ) as process:
        os.close(theirs)
        # A terminal keeps what is typed ahead.
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
        shown = _all_of(ours)
        code = process.wait(TERMINAL_LIMIT_S)
    os.close(ours)
    return code, shown


def _all_of(terminal: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody is at the other end
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)

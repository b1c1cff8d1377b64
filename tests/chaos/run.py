"""One run: start everything, order, probe and break things, wait, count, and have it judged."""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from rich.console import Console

from shared.signing import VerdictSigner
from tests.chaos import orders, quiet, schedule
from tests.chaos.client import LoadClient
from tests.chaos.evidence import FAULTS, ORDERS, PROBES, JsonLines, write_run
from tests.chaos.inflict import Inflict
from tests.chaos.leaks import Leaks
from tests.chaos.outcome import Judgement, Outcome, Settling
from tests.chaos.plan import Plan
from tests.chaos.prober import Prober
from tests.chaos.progress import report
from tests.chaos.reviewer import Reviewer
from tests.chaos.system import System, running
from tests.chaos.tally import tally

Judge = Callable[[Path], Awaitable[Judgement]]
"""Judges a run by its evidence, while the Atelier still runs."""

AVATARS = ("Ada", "Berit", "Carla")
QUIET_LIMIT_S = 30.0
"""How long clearing up may take after everything has ended."""


@dataclass(slots=True)
class Actors:
    """Who does something during a run."""

    client: LoadClient
    prober: Prober
    inflict: Inflict
    reviewer: Reviewer

    def line(self) -> str:
        """How far they are."""
        kinds = Counter(kind for kind, _ in self.inflict.done.elements())
        done = " ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "none yet"
        pieces = sum(task.num_pieces for task in self.client.accepted.values())
        return (
            f"pieces accepted {pieces} · faults: {done} · probes {self.prober.probes}"
            f" · reviewed {self.reviewer.decided.total()}"
        )


async def run(plan: Plan, *, data: Path, evidence: Path, console: Console, judge: Judge) -> Outcome:
    """Carry out `plan` over the new directory `data`, leaving in `evidence` what `judge` reads."""
    began = time.time()
    evidence.mkdir(parents=True, exist_ok=True)
    signing_seed = secrets.token_hex(32)
    told = {
        "seed": plan.seed,
        "began": began,
        "ended": None,
        "pieces": plan.pieces,
        "data_dir": str(data),
        "deadline_s": plan.deadline_s,
        "verdict_public_keys": [VerdictSigner(bytes.fromhex(signing_seed)).public_key],
    }
    write_run(evidence, told)
    console.print(f"starting {len(plan.services)} service processes", highlight=False)
    async with (
        running(plan, data, evidence, signing_seed) as system,
        _actors(plan, system, evidence) as actors,
    ):
        async with _onlookers(system, actors, console):
            await _disturb(plan, actors)
            console.print("faults are over; waiting for every piece to end", highlight=False)
            settling = await _settle(system, actors.inflict.ended_at, plan.deadline_s)
        write_run(evidence, {**told, "ended": time.time()})
        return await _outcome(
            plan, system, actors, evidence, settling, began=began, audit=await judge(evidence)
        )


async def _disturb(plan: Plan, actors: Actors) -> None:
    """Order and break things; return when all was accepted and the last fault is over."""
    faults = schedule.plan(
        plan.seed,
        duration_s=plan.faults_s,
        counts=plan.counts,
        services=plan.services,
        workers=plan.workers,
    )
    wanted = orders.plan(plan.seed, pieces=plan.pieces, duration_s=plan.faults_s)
    async with _meanwhile(actors.reviewer.run()), asyncio.TaskGroup() as group:
        group.create_task(actors.client.place_all(wanted))
        group.create_task(actors.inflict.all(faults))


async def _settle(system: System, last_fault_at: float, deadline_s: float) -> Settling:
    terminal_at, left = await quiet.until(
        system.endpoint, lambda seen: seen.is_terminal, limit_s=2 * deadline_s
    )
    quiet_at, left = await quiet.until(
        system.endpoint, lambda seen: seen.is_quiet, limit_s=QUIET_LIMIT_S
    )
    return Settling(
        terminal_after_s=None if terminal_at is None else max(0.0, terminal_at - last_fault_at),
        quiet_after_s=None if quiet_at is None else max(0.0, quiet_at - last_fault_at),
        left=str(left),
    )


@asynccontextmanager
async def _actors(plan: Plan, system: System, evidence: Path) -> AsyncIterator[Actors]:
    api_key = {"X-API-Key": system.endpoint.api_key}
    limits = httpx2.Timeout(45.0, connect=5.0)
    async with (
        httpx2.AsyncClient(
            base_url=f"{system.endpoint.url}/api/v1",
            headers=api_key,
            timeout=limits,
            trust_env=False,
        ) as http,
        httpx2.AsyncClient(base_url=system.endpoint.url, timeout=5.0, trust_env=False) as anonymous,
    ):
        with (
            contextlib.closing(JsonLines(evidence / ORDERS)) as order_log,
            contextlib.closing(JsonLines(evidence / PROBES)) as probe_log,
            contextlib.closing(JsonLines(evidence / FAULTS)) as fault_log,
        ):
            avatar_ids = [await _avatar(http, name) for name in AVATARS]
            yield Actors(
                LoadClient(http, order_log, avatar_ids),
                Prober(anonymous, probe_log, Random(f"{plan.seed} probes"), plan.probe_every_s),
                Inflict(system.running_file, system.proxy, fault_log),
                Reviewer(http, plan.seed),
            )


async def _avatar(http: httpx2.AsyncClient, name: str) -> str:
    fields = {
        "name": name,
        "niche": "fitness",
        "base_prompt": "portrait of a woman in her thirties",
        "lora_weights_url": f"loras/{name.lower()}.safetensors",
        "likeness": {"kind": "synthetic"},
        "adult_attested_at": "2026-01-01T00:00:00Z",
    }
    answer = await http.post("/avatars", json=fields)
    answer.raise_for_status()
    return str(answer.json()["id"])


@asynccontextmanager
async def _onlookers(system: System, actors: Actors, console: Console) -> AsyncIterator[None]:
    """Probe, and tell how it goes, until the block ends."""

    async def leak() -> None:
        async for leaks in Leaks(system.endpoint.database_url):
            actors.prober.learn_leaks(leaks)

    async with (
        _meanwhile(report(console, actors.line)),
        _meanwhile(leak()),
        _meanwhile(actors.prober.run(actors.client.accepted)),
    ):
        yield


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do `work` until the block ends; what it raises ends the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


async def _outcome(
    plan: Plan,
    system: System,
    actors: Actors,
    evidence: Path,
    settling: Settling,
    *,
    began: float,
    audit: Judgement,
) -> Outcome:
    client, inflict = actors.client, actors.inflict
    return Outcome(
        plan=plan,
        faults=inflict.done,
        missed=tuple(inflict.missed),
        recoveries_s=inflict.recoveries_s,
        answers=client.answers,
        unexpected=(*client.unexpected, *actors.reviewer.unexpected),
        reviewed=actors.reviewer.decided,
        accepted=sum(task.num_pieces for task in client.accepted.values()),
        settling=settling,
        probes=actors.prober.probes,
        readable=actors.prober.readable,
        strangers_let_in=await system.endpoint.lets_strangers_in(),
        tally=await tally(system.endpoint, logs=system.data / "logs", evidence=evidence),
        audit=audit,
        wall_s=time.time() - began,
    )

"""The judgement: read everything, ask every invariant, look again while waiting may help."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from tests.audit import exposure, lineage, money, orders, orphans, pieces_end, signatures
from tests.audit.evidence import read_evidence
from tests.audit.figures import figures
from tests.audit.objects import read_objects
from tests.audit.pictures import Gallery, read_given
from tests.audit.postgres import read_books
from tests.audit.report import Finding, Report
from tests.audit.servers import CannotJudge, Servers
from tests.audit.shown import read_shown
from tests.audit.streams import read_streams
from tests.audit.world import Grace, World

INVARIANTS: tuple[ModuleType, ...] = (pieces_end, money, exposure, orphans, lineage, orders)
LOOK_AGAIN_S = 0.3
NO_MORE_THAN_USUAL = Grace()


async def judge(
    evidence: Path,
    *,
    servers: Servers | None = None,
    grace: Grace = NO_MORE_THAN_USUAL,
    patience_s: float = 15.0,
    facts_lost: bool = False,
    now: Callable[[], float] = time.time,
    verdict_keys: Sequence[str] | None = None,
) -> Report:
    """Judge a run by the files in the directory `evidence` and the Atelier it was made with.

    The Atelier must be running: `servers` default to those of `data_dir` in `run.json`. Breaches
    that work under way may cure (a piece not ended, an image still in staging) are looked at again
    for up to `patience_s` seconds; anything else is reported at once. `facts_lost`: the broker's
    store was deleted during the run, so facts may be missing, but none may contradict another.
    `verdict_keys` are the public keys whose verdicts count, else those that `run.json` names;
    without any the report says that signatures were not judged.
    Raises CannotJudge when evidence or a server cannot be read.
    """
    read = await asyncio.to_thread(read_evidence, evidence)
    where = servers or Servers.of(Path(read.run.data_dir))
    gallery, until = Gallery(), now() + patience_s
    while True:
        is_last_look = now() >= until
        try:
            world = await observe(evidence, where, grace, gallery, facts_lost=facts_lost, now=now)
            if verdict_keys is not None:
                world = replace(world, verdict_keys=tuple(verdict_keys))
        except CannotJudge:
            # A server that was killed a moment ago is about to come back.
            if is_last_look:
                raise
        else:
            report = report_on(world)
            if is_last_look or not report.may_heal:
                return report
        await asyncio.sleep(LOOK_AGAIN_S)


async def observe(
    evidence: Path,
    servers: Servers,
    grace: Grace,
    gallery: Gallery,
    *,
    facts_lost: bool,
    now: Callable[[], float],
) -> World:
    """Everything that can be seen now. Raises CannotJudge."""
    # Effects before causes, so that work under way looks unfinished and not contradictory.
    read = await asyncio.to_thread(read_evidence, evidence)
    objects = await read_objects(servers.objects_dir, gallery)
    streams = await read_streams(servers)
    books = await read_books(servers.database_url)
    shown = await read_shown(servers, [task.task_id for task in books.tasks])
    return World(
        evidence=read,
        books=books,
        streams=streams,
        objects=objects,
        shown=shown,
        now=now(),
        grace=grace,
        facts_lost=facts_lost,
        verdict_keys=read.run.verdict_public_keys,
        given=await read_given(evidence, gallery),
    )


def report_on(world: World) -> Report:
    """Ask every invariant about one world. Pure."""
    findings = (
        Finding(each.NAME, each.CLAIM, each.checked(world), tuple(each.violations(world)))
        for each in INVARIANTS
    )
    return Report(tuple(findings), figures(world), tuple(signatures.not_judged(world)))

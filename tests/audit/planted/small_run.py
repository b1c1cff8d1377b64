"""A small Atelier that runs from a copy of the product, with everything noted."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nats
from nats.js import JetStreamContext

from tests.audit.planted.copies import SOONER, Patch, copy_product
from tests.audit.planted.recording import Notes, order, probing
from tests.audit.planted.worker import billing_worker
from tests.e2e.system import FINAL, System, running
from tests.verdict_keys import SEED

PIECES = 3
THIRDS = {"capa1_ratio": 0.34, "capa2_ratio": 0.33, "capa3_ratio": 0.33}
POLL_S = 0.1


@dataclass(slots=True)
class SmallRun:
    """An Atelier under way, and where its evidence goes."""

    system: System
    notes: Notes
    tasks: set[str] = field(default_factory=set)

    def order(self, key: str, avatar_id: str) -> str:
        """Order a piece of every tier by this key, and give the task's id."""
        body = {
            "avatar_id": avatar_id,
            "num_pieces": PIECES,
            "platform": "instagram",
            "tier_distribution": THIRDS,
        }
        task_id = order(self.system, self.notes, key, body)
        self.tasks.add(task_id)
        return task_id

    async def ended(self, within_s: float) -> bool:
        """Wait until every task has ended; False if some have not in time."""
        until = time.monotonic() + within_s
        while not await asyncio.to_thread(self._all_ended):
            if time.monotonic() > until:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def _all_ended(self) -> bool:
        return all(self.system.task(task_id)["state"] in FINAL for task_id in self.tasks)

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[JetStreamContext]:
        """The broker, as an operator sees it."""
        endpoint = self.system.endpoint
        nc = await nats.connect(
            endpoint["nats_url"],
            nkeys_seed=endpoint["nats_seed_files"]["operator"],
            inbox_prefix="_INBOX_operator",
        )
        try:
            yield nc.jetstream()
        finally:
            await nc.close()


@contextmanager
def small_run(
    directory: Path, patches: Sequence[Patch], *, paid: bool, failpoint: str | None
) -> Iterator[SmallRun]:
    """Run a copy with these patches; who reaches `failpoint` first is killed there."""
    root = copy_product(directory / "copy", (SOONER, *patches))
    notes = Notes(directory / "evidence")
    settings = {"GENERATOR_CONCURRENCY": "2", "SAFETY_SIGNING_KEY": SEED}
    if failpoint is not None:
        settings |= {
            "ATELIER_FAILPOINT": failpoint,
            "ATELIER_FAILPOINT_MARK": str(directory / "reached"),
        }
        notes.write("faults", kind="kill", target=failpoint, until=None)
    with ExitStack() as stack:
        if paid:
            settings |= {
                "AI_IMAGE_PROVIDER": "modal_sdxl_lora",
                "MODAL_ENDPOINT_URL": stack.enter_context(billing_worker(notes)),
                "MODAL_TIMEOUT_SECONDS": "5",
                "SAFETY_JUDGES": "none",
            }
        system = stack.enter_context(running(directory / "data", product=str(root), **settings))
        stack.enter_context(probing(system, notes))
        yield SmallRun(system, notes)

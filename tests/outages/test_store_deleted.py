"""The broker's store is deleted with hundreds of pieces in flight; the books bring them back."""

import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.system import System
from tests.generator.worker_stub import Worker
from tests.outages.books import (
    PRICE_USD_MICROS,
    assert_each_ended_once,
    settled_s,
    states,
)
from tests.outages.customers import customers
from tests.outages.figures import tell
from tests.outages.servers import kill, supervisor_paused
from tests.outages.whole import whole_atelier

pytestmark = pytest.mark.outage

QUICK_SWEEPS = {"STALL_SECONDS": "5", "SWEEP_INTERVAL_SECONDS": "1"}


@pytest.mark.parametrize("pieces", [150, 500])
async def test_every_piece_still_ends_once_and_what_was_lost_is_bought_again_on_record(
    tmp_path: Path, worker: Worker, pieces: int
) -> None:
    worker.delay_s = lambda _: 0.02
    with whole_atelier(tmp_path, worker, **QUICK_SWEEPS) as system:
        avatar = system.avatar()
        async with customers(system) as clients:
            task_id = await clients.order(avatar, pieces)
        system.wait_until(task_id, "generated", pieces // 3)
        with supervisor_paused(system):
            kill(system.pid("nats"))
            shutil.rmtree(system.data / "nats" / "store")
        began = time.monotonic()
        in_flight = pieces - (await states(system)).get("persisted", 0)
        await settled_s(system, pieces, limit_s=60 + pieces * 0.5)
        ended_s = time.monotonic() - began
        await assert_each_ended_once(system, pieces)
        again = await _bought_again(system, pieces, asked=len(worker.asked))
        tell(
            f"the broker's store deleted, {in_flight} of {pieces} pieces in flight",
            all_ended_s=ended_s,
            **again,
        )


async def _bought_again(system: System, pieces: int, *, asked: int) -> dict[str, int]:
    """Every purchase has a row; a piece bought more than once has lost its bytes, on record."""
    attempts = await system.rows("select * from attempts order by piece_id, number")
    succeeded = [row for row in attempts if row["outcome"] == "succeeded"]
    unknown = [row for row in attempts if row["outcome"] == "unknown"]
    assert not [row for row in attempts if row["outcome"] in {"open", "failed"}]
    assert len(succeeded) <= asked <= len(succeeded) + len(unknown)
    kept = [row for row in succeeded if row["bytes_lost_at"] is None]
    # A purchase that nobody had heard of was made again in a later run; then both are told.
    a_run = Counter((row["piece_id"], row["run"]) for row in kept)
    assert set(a_run.values()) <= {1}, "bought twice in one run although the bytes were there"
    assert all(row["cost_usd_micros"] == PRICE_USD_MICROS for row in succeeded)
    runs = await system.rows("select count(*)::int as count from pieces where current_run > 1")
    [delivered] = await system.rows("select count(distinct id)::int as count from content_pieces")
    assert delivered["count"] == pieces
    return {
        "asked_for_again": runs[0]["count"],
        "bytes_lost": len(succeeded) - len(kept),
        "bought_again_before_known": len(kept) - len({row["piece_id"] for row in kept}),
        "outcome_unknown": len(unknown),
        "provider_calls": asked,
    }

"""The generator and hooks die between a vendor's words and our books; nothing is bought for good.

A generator whose vendor is polled, and a hooks service whose captions a model writes.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.system import System
from tests.generator.replicate.stub import Replicate, replicate_stub
from tests.generator.worker_stub import running_worker
from tests.hooks.models.stub import Document, TextModels, text_models
from tests.outages.rehearsal import PIECES, Rehearsal, rehearsing

pytestmark = pytest.mark.outage

SUBMITTED = "generator/after_submission"
CAPTIONED = "hooks/after_call"
CAPTIONS_SETTLED = "hooks/after_settlement"
PLACES = {"generator": (SUBMITTED,), "hooks": (CAPTIONED, CAPTIONS_SETTLED)}
CALL_USD_MICROS = 1_100
"""Of captions: a thousand tokens read, two thousand written."""


@pytest.fixture(scope="module")
def replicate() -> Iterator[Replicate]:
    with replicate_stub() as vendor:
        yield vendor


@pytest.fixture(scope="module")
def models() -> Iterator[TextModels]:
    with text_models() as vendor:
        vendor.obeys = _to_each_its_own
        yield vendor


@pytest.fixture(scope="module")
def rehearsal(
    replicate: Replicate, models: TextModels, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rehearsal]:
    first = {service: places[0] for service, places in PLACES.items()}
    others = dict.fromkeys(("safety", "storage", "ledger", "gateway"), "nowhere")
    with (
        running_worker() as worker,
        rehearsing(
            tmp_path_factory.mktemp("failpoints"),
            worker,
            PLACES,
            first | others,
            AI_IMAGE_PROVIDER="replicate",
            AI_IMAGE_PROVIDER_FALLBACKS="",
            REPLICATE_API_TOKEN="canary",
            REPLICATE_BASE_URL=replicate.base_url,
            REPLICATE_POLL_SECONDS="0.2",
            REPLICATE_TIMEOUT_SECONDS="10",
            HOOK_PROVIDERS="anthropic",
            HOOK_TIMEOUT_SECONDS="2",
            ANTHROPIC_API_KEY="canary",
            ANTHROPIC_BASE_URL=models.origin,
        ) as rehearsal,
    ):
        yield rehearsal


def _to_each_its_own(document: Document, instructions: str) -> Document:
    """Pieces of a batch are described alike; what is written for them must not be."""
    return {
        "pictures": [
            {"id": each["id"], "captions": [f"Thought {n} on {each['id']}." for n in range(6)]}
            for each in document["pictures"]
        ]
    }


async def test_a_submission_whose_id_was_lost_is_on_record_and_made_once_more(
    rehearsal: Rehearsal, replicate: Replicate
) -> None:
    before = len(replicate.of("submit"))
    task_id = await rehearsal.dies_at("generator", SUBMITTED)
    await rehearsal.assert_all_delivered_once(task_id)
    bought, unknown = await _calls(rehearsal.system, task_id, "image")
    assert bought == PIECES
    # Who was allowed to call and died with the others may not have called at all.
    assert PIECES < len(replicate.of("submit")) - before <= PIECES + unknown


async def test_captions_that_died_with_their_call_are_on_record_and_bought_once_more(
    rehearsal: Rehearsal, models: TextModels
) -> None:
    before = _captioned(models)
    task_id = await rehearsal.dies_at("hooks", CAPTIONED)
    await rehearsal.assert_all_delivered_once(task_id)
    bought, unknown = await _calls(rehearsal.system, task_id, "captions")
    assert bought == PIECES
    assert unknown >= 1
    assert _captioned(models) - before == PIECES + unknown
    assert await _written_by_models(rehearsal.system, task_id) == PIECES


async def test_captions_that_are_settled_are_never_bought_again(
    rehearsal: Rehearsal, models: TextModels
) -> None:
    before, calls_before = _captioned(models), len(models.asked)
    task_id = await rehearsal.dies_at("hooks", CAPTIONS_SETTLED)
    await rehearsal.assert_all_delivered_once(task_id)
    assert await _calls(rehearsal.system, task_id, "captions") == (PIECES, 0)
    assert _captioned(models) - before == PIECES
    assert await _written_by_models(rehearsal.system, task_id) == PIECES
    rows = await rehearsal.system.rows(
        "select cost_usd_micros from attempts where task_id = $1 and kind = 'captions'", task_id
    )
    calls = len(models.asked) - calls_before
    assert sum(row["cost_usd_micros"] for row in rows) == calls * CALL_USD_MICROS


async def _calls(system: System, task_id: str, kind: str) -> tuple[int, int]:
    """Pieces that were bought once, and calls whose end nobody knows; there are no others."""
    rows = await system.rows(
        "select * from attempts where task_id = $1 and kind = $2", task_id, kind
    )
    bought = Counter(row["piece_id"] for row in rows if row["outcome"] == "succeeded")
    unknown = sum(row["outcome"] == "unknown" for row in rows)
    assert set(bought.values()) == {1}
    assert len(rows) == len(bought) + unknown
    return len(bought), unknown


async def _written_by_models(system: System, task_id: str) -> int:
    [found] = await system.rows(
        "select count(*)::int as pieces from content_pieces"
        " where task_id = $1 and meta_data ->> 'hooks_source' = 'model'",
        task_id,
    )
    return int(found["pieces"])


def _captioned(models: TextModels) -> int:
    """Pictures that the vendor was asked about, in all calls."""
    return sum(len(document["pictures"]) for document in models.documents)

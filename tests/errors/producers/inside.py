"""Codes that no HTTP client gets: of requests by event, and between services."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from services.gateway.domain.planner import PlanError, TierRatios, plan_batch
from services.gateway.handler.event_door import TakeOrders
from services.gateway.handler.problems import details_of
from services.storage.adapters.local_directory import LocalDirectory
from services.storage.handler.links import SignObjectLinks
from shared.calls import ACCEPT_TASK, GET_PIECE, AvatarRef, IssueKey, PieceRef, SignLinks
from shared.calls.keys import Scope
from shared.content import Asker, Platform
from shared.events import TaskRefused
from shared.foreign import ReceivedRequest
from shared.problems import Problem, ProblemDetails
from shared.rpc import Call
from tests.errors.producers.registry import ORDER, RealLedger, without_http
from tests.gateway.backend import NOW, TENANT


@without_http("identity_missing")
async def identity_missing(ledger: RealLedger) -> ProblemDetails:
    request = ReceivedRequest(
        tenant=TENANT,
        request_id="r-1",
        asker=Asker(),
        order=ORDER,
        request_sequence=1,
        received_at=NOW,
    )
    refused = await TakeOrders(ledger.world.door)(request)
    assert isinstance(refused, TaskRefused)
    return refused.problem


@without_http("ratio_out_of_range")
async def ratio_out_of_range(_: RealLedger) -> ProblemDetails:
    with pytest.raises(PlanError) as refused:
        TierRatios(capa1=2.0)
    return details_of(refused.value)


@without_http("num_pieces_out_of_range")
async def num_pieces_out_of_range(_: RealLedger) -> ProblemDetails:
    return _plan_refused(num_pieces=501)


@without_http("blank_custom_prompt")
async def blank_custom_prompt(_: RealLedger) -> ProblemDetails:
    return _plan_refused(num_pieces=1, custom_prompts=(" ",))


def _plan_refused(*, num_pieces: int, custom_prompts: tuple[str, ...] = ()) -> ProblemDetails:
    with pytest.raises(PlanError) as refused:
        plan_batch(
            batch_id="b",
            num_pieces=num_pieces,
            ratios=TierRatios(),
            templates=(),
            niche=None,
            platform=Platform.X,
            custom_prompts=custom_prompts,
            custom_tiers=(),
        )
    return details_of(refused.value)


@without_http("key_id_taken")
async def key_id_taken(ledger: RealLedger) -> ProblemDetails:
    def issue(secret: str) -> IssueKey:
        return IssueKey(
            tenant=TENANT, key_id="k9", secret_sha256=secret, name="k", scopes={Scope.READ}
        )

    await ledger.books.keys.add(issue("0" * 64))
    with pytest.raises(Problem) as refused:
        await ledger.books.keys.add(issue("1" * 64))
    return refused.value.details


@without_http("invalid_request")
async def invalid_request(ledger: RealLedger) -> ProblemDetails:
    """A question of another version."""
    strange = Call(ACCEPT_TASK.name, AvatarRef, ACCEPT_TASK.reply)
    with pytest.raises(Problem) as refused:
        await ledger.service.call(strange, AvatarRef(tenant=TENANT, avatar_id="ada"))
    return refused.value.details


@without_http("reply_too_large")
async def reply_too_large(ledger: RealLedger) -> ProblemDetails:
    """A story longer than any piece has lived."""
    [piece] = await ledger.books.accepted()
    await ledger.books.sql(
        "INSERT INTO piece_events (tenant, task_id, piece_id, avatar_id, run, fact)"
        " SELECT tenant, task_id, id, avatar_id, step, 'tests.told' FROM pieces,"
        " generate_series(2, 5000) AS step"
    )
    with pytest.raises(Problem) as refused:
        await ledger.service.call(GET_PIECE, PieceRef(tenant=TENANT, piece_id=piece.piece_id))
    return refused.value.details


@without_http("invalid_key")
async def invalid_key(_: RealLedger) -> ProblemDetails:
    with TemporaryDirectory() as directory:
        store = LocalDirectory(Path(directory), base_url="http://door.test", signing_key=b"k" * 32)
        with pytest.raises(Problem) as refused:
            await SignObjectLinks(store)(SignLinks(keys=("../secrets",)))
    return refused.value.details


@without_http("attempt_id_taken")
async def attempt_id_taken(ledger: RealLedger) -> ProblemDetails:
    first, second = await ledger.books.accepted(2)
    attempt_id = str(uuid4())
    await ledger.books.open_attempt(first, attempt_id=attempt_id)
    with pytest.raises(Problem) as refused:
        await ledger.books.open_attempt(second, attempt_id=attempt_id)
    return refused.value.details

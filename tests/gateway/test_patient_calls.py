"""A service that is away for a moment is not yet an error."""

import pytest
from nats.errors import MaxPayloadError

from services.gateway.adapters.patient_calls import PatientCalls
from shared.calls import (
    DECIDE_REVIEW,
    DELETE_AVATAR,
    GET_AVATAR,
    UNFREEZE_AVATAR,
    WRITE_CAPTIONS,
    Asked,
    AvatarRef,
    DecideReview,
    PictureToCaption,
    UnfreezeAvatar,
    WriteCaptions,
)
from shared.content import Platform
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Call, Caller
from shared.topology import Topology
from tests.gateway.backend import TENANT, Backend

ADA = AvatarRef(tenant=TENANT, avatar_id="ada")


class Pause:
    """Takes no time; brings the ledger back at the nth pause."""

    def __init__(self, backend: Backend, back_at: int = 0) -> None:
        self.backend = backend
        self.left = back_at

    async def __call__(self, _: float) -> None:
        self.left -= 1
        if self.left == 0:
            self.backend.away.clear()


async def test_a_short_absence_goes_unnoticed() -> None:
    backend = Backend()
    backend.avatar()
    backend.away.add("ledger")
    ask = PatientCalls(backend, sleep=Pause(backend, back_at=2))
    assert (await ask(GET_AVATAR, ADA)).id == "ada"
    assert backend.asked == ["ledger.avatar.get"] * 3


async def test_patience_ends() -> None:
    backend = Backend()
    backend.away.add("ledger")
    ask = PatientCalls(backend, patience_s=0.02)
    with pytest.raises(TryLater):
        await ask(GET_AVATAR, ADA)
    assert len(backend.asked) > 1


@pytest.mark.parametrize(
    ("call", "request_"),
    [
        (DELETE_AVATAR, ADA),
        (UNFREEZE_AVATAR, UnfreezeAvatar(**ADA.model_dump(), by="k1", reason="r")),
        (
            DECIDE_REVIEW,
            DecideReview(tenant=TENANT, piece_id="p", decision="reject", by="k1", reason="r"),
        ),
        (
            WRITE_CAPTIONS,
            WriteCaptions(
                tenant=TENANT, pictures=(PictureToCaption(prompt="p"),), platform=Platform.X
            ),
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_what_is_done_once_is_asked_for_once_since_its_answer_may_have_got_lost(
    call: Call[Asked, Asked], request_: Asked
) -> None:
    backend = Backend()
    backend.away |= {"ledger", "hooks"}
    with pytest.raises(TryLater):
        await PatientCalls(backend)(call, request_)
    assert backend.asked == [call.name]


async def test_a_refusal_is_an_answer() -> None:
    backend = Backend()
    with pytest.raises(Problem):
        await PatientCalls(backend)(GET_AVATAR, ADA)
    assert backend.asked == ["ledger.avatar.get"]


async def test_a_question_larger_than_a_message_is_refused_not_repeated() -> None:
    class Narrow:
        asked = 0

        async def request(self, *_: object, **__: object) -> None:
            self.asked += 1
            raise MaxPayloadError

    wire = Narrow()
    ask = PatientCalls(Caller(wire, Topology()))  # type: ignore[arg-type]
    with pytest.raises(Problem) as refused:
        await ask(GET_AVATAR, ADA)
    assert refused.value.details.status == 413
    assert wire.asked == 1

"""`avatar.ready` gives an avatar its weights, and never older ones."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.gateway.handler.handover import HandOver
from shared.foreign import ReceivedHandover
from shared.outcomes import BadInput, TryLater
from shared.problems import Problem
from shared.rpc import Call, Reply, Request
from tests.gateway.events.door import EventDoor, attributes

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def test_weights_that_are_handed_over_are_recorded(events: EventDoor) -> None:
    events.backend.avatar(lora_weights_url=None, trigger_word="TOK_old")
    await events.hand_over(
        "ada",
        attributes("training-7", kind="atelier.avatar.ready.v1"),
        lora_weights_url="loras/ada/v2.safetensors",
        lora_model_id="lora-7",
        lora_scale=0.8,
    )
    await events.settled()
    avatar = events.backend.avatars["ada"]
    assert avatar.lora_weights_url == "loras/ada/v2.safetensors"
    assert (avatar.lora_model_id, avatar.lora_scale) == ("lora-7", 0.8)
    assert avatar.trigger_word == "TOK_old"


async def test_the_other_name_of_the_key_is_understood(events: EventDoor) -> None:
    await events.hand_over("ada", r2_path="loras/ada/v3.safetensors")
    await events.settled()
    assert events.backend.avatars["ada"].lora_weights_url == "loras/ada/v3.safetensors"


async def test_weights_of_nobody_are_kept_and_the_next_ones_recorded(events: EventDoor) -> None:
    events.backend.avatar("stranger", tenant="another", lora_weights_url=None)
    await events.hand_over("nobody", r2_path="loras/nobody.safetensors")
    await events.hand_over("stranger", r2_path="loras/theirs.safetensors")
    await events.hand_over("ada", r2_path="loras/ada/v3.safetensors")
    await events.settled()
    assert [letter.reason for letter in await events.letters()] == ["avatar_not_found"] * 2
    assert events.backend.avatars["stranger"].lora_weights_url is None
    assert events.backend.avatars["ada"].lora_weights_url == "loras/ada/v3.safetensors"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"r2_path": "a.safetensors", "lora_weights_url": "a.safetensors"},
        {"lora_weights_url": "https://bucket.example/a.safetensors?signature=hunter2"},
    ],
    ids=["neither", "both", "a URL"],
)
async def test_a_handover_without_one_usable_key_is_kept_with_its_reason(
    events: EventDoor, body: dict[str, Any]
) -> None:
    await events.hand_over("ada", **body)
    await events.settled()
    [letter] = await events.letters()
    assert (letter.step, letter.reason) == ("avatar-handed-over", "invalid_body")
    assert "hunter2" not in letter.detail
    assert events.backend.avatars["ada"].lora_weights_url == "loras/ada.safetensors"


class Asked:
    """A ledger that remembers what it was asked, and answers with `refusal` if there is one."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.changes: list[Any] = []
        self._refusal = refusal

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        self.changes.append(request)
        if self._refusal is not None:
            raise self._refusal
        return cast("Reply", None)


def handover(**fields: Any) -> ReceivedHandover:
    known = {"tenant": "default", "avatar_id": "ada", "r2_path": "a.safetensors", "received_at": AT}
    return ReceivedHandover.model_validate(known | fields)


async def test_the_ledger_learns_since_when_the_handover_lay_in_its_stream() -> None:
    ledger = Asked()
    await HandOver(ledger)(handover(received_at=AT - timedelta(hours=1)))
    [change] = ledger.changes
    assert change.handed_over_at == AT - timedelta(hours=1)


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (Problem(404, "avatar_not_found", "nobody"), BadInput),
        (Problem(422, "invalid_request", "no"), BadInput),
        (Problem(500, "internal_error", "oh"), TryLater),
        (TryLater("nobody answers"), TryLater),
    ],
)
async def test_only_what_will_never_be_right_is_given_up(
    refusal: Exception, outcome: type[Exception]
) -> None:
    with pytest.raises(outcome):
        await HandOver(Asked(refusal))(handover())

"""`atelier dlq`: found, read, sent again, dropped; and never lost on the way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from shared.blobs import JetStreamBlobs
from shared.deadletters import JetStreamDeadLetters
from shared.letterbox import REPLAY_OF, Letterbox
from tests.cli.conftest import Atelier
from tests.permissions.conftest import Guarded

STEP = "task-accepted"
SUBJECT = "task.requested.default.r-{}"


@pytest.fixture
async def gateway(guarded: Guarded) -> AsyncIterator[Client]:
    """The service that buries what it cannot read."""
    async with guarded.visit("gateway") as visitor:
        yield visitor.nc


@pytest.fixture(autouse=True)
async def empty(guarded: Guarded) -> None:
    """No letter of an earlier test."""
    async with guarded.visit("operator") as operator:
        js = operator.nc.jetstream()
        box = Letterbox(js, guarded.names, JetStreamBlobs(js, "dead-letters"))
        for kept in [kept async for kept in box.letters()]:
            await box.drop(kept)


async def bury(gateway: Client, guarded: Guarded, number: int, **news: object) -> None:
    js = gateway.jetstream()
    letters = JetStreamDeadLetters(js, guarded.names, JetStreamBlobs(js, "dead-letters"))
    known: dict[str, object] = {
        "step": STEP,
        "subject": SUBJECT.format(number),
        "sequence": number,
        "reason": "invalid_json",
        "detail": "body",
        "headers": {
            "ce-id": f"id-{number}",
            "Nats-Msg-Id": "m",
            "Authorization": "Bearer hunter22",
        },
        "body": b'{"number": %d}' % number,
    }
    await letters.keep(**(known | news))  # type: ignore[arg-type]


async def test_no_letters_are_no_error(atelier: Atelier) -> None:
    said = await atelier("dlq", "list")
    assert (said.code, said.out) == (0, "No dead letters.\n")
    assert (await atelier("dlq", "list", "--json")).json == []


async def test_letters_are_listed_newest_first_and_filtered(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    for number in (1, 2, 3):
        await bury(gateway, guarded, number, reason="too_large" if number == 2 else "invalid_json")
    listed = (await atelier("dlq", "list", "--json")).json
    assert [letter["sequence"] for letter in listed] == [3, 2, 1]
    [large] = (await atelier("dlq", "list", "--reason", "too_large", "--json")).json
    assert large["subject"] == SUBJECT.format(2)
    assert (await atelier("dlq", "list", "--step", "other", "--json")).json == []
    table = (await atelier("dlq", "list", "--limit", "2")).out
    assert f"{STEP}.3." in table
    assert "1 older, from --page 2 on" in table
    [last] = (await atelier("dlq", "list", "--limit", "2", "--page", "2", "--json")).json
    assert last["sequence"] == 1
    assert "No more" in (await atelier("dlq", "list", "--page", "2")).out


async def test_letters_are_chosen_by_their_age(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    await bury(gateway, guarded, 1)
    [letter] = (await atelier("dlq", "list", "--since", "1h", "--json")).json
    for never in (("--before", "1h"), ("--since", "2999-01-01"), ("--before", letter["kept_at"])):
        assert (await atelier("dlq", "list", *never, "--json")).json == []
    assert "0 dropped" in (await atelier("dlq", "drop", "--all", "--before", "7d", "--yes")).out
    assert "1 dropped" in (await atelier("dlq", "drop", "--all", "--since", "7d", "--yes")).out
    assert (await atelier("dlq", "list", "--since", "yesterday")).code == 2


async def test_hundreds_of_letters_are_listed(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    for number in range(1, 701):
        await bury(gateway, guarded, number, body=b"same")
    listed = (await atelier("dlq", "list", "--limit", "1000", "--json")).json
    assert [letter["sequence"] for letter in listed] == list(range(700, 0, -1))


async def test_a_letter_is_shown_by_the_beginning_of_its_id_without_its_secrets(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    url = "https://bucket.example/key?X-Amz-Signature=abcdef"
    await bury(gateway, guarded, 1, body=f'{{"url": "{url}", "tail": "\\u0007"}}'.encode())
    said = await atelier("dlq", "show", f"{STEP}.1")
    assert said.code == 0
    assert "invalid_json" in said.out
    assert "bucket.example" in said.out
    assert "abcdef" not in said.out
    assert "hunter22" not in said.out
    assert "\a" not in said.out
    shown = (await atelier("dlq", "show", f"{STEP}.1", "--json")).json
    assert (shown["sequence"], shown["headers"]["ce-id"]) == (1, "id-1")


@pytest.mark.parametrize("command", ["show", "replay", "drop"])
async def test_an_id_that_names_none_or_many_is_an_error(
    atelier: Atelier, gateway: Client, guarded: Guarded, command: str
) -> None:
    await bury(gateway, guarded, 1)
    await bury(gateway, guarded, 12)
    for ident in ("nobody", f"{STEP}.1", "*.*.*", f"{STEP}.1.>", ""):
        said = await atelier("dlq", command, ident)
        assert said.code == 1
        assert "atelier dlq list" in said.err
    assert len((await atelier("dlq", "list", "--json")).json) == 2


async def test_a_message_is_sent_again_as_it_was_and_its_letter_dropped(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    await bury(gateway, guarded, 1)
    [letter] = (await atelier("dlq", "list", "--json")).json
    said = await atelier("dlq", "replay", letter["id"])
    assert (said.code, said.out) == (0, "1 sent again.\n")
    async with guarded.visit("operator") as operator:
        js = operator.nc.jetstream()
        message = await js.get_last_msg("TASK_REQUESTED", SUBJECT.format(1))
    assert message.data == b'{"number": 1}'
    assert message.headers is not None
    assert message.headers["ce-id"] == "id-1"
    assert message.headers[REPLAY_OF] == letter["id"]
    assert "Nats-Msg-Id" not in message.headers
    assert (await atelier("dlq", "list", "--json")).json == []


async def test_a_message_is_sent_again_repaired_and_kept_if_asked(
    atelier: Atelier, gateway: Client, guarded: Guarded, tmp_path: Path
) -> None:
    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(b'{"repaired": true}')
    await bury(gateway, guarded, 5)
    said = await atelier("dlq", "replay", f"{STEP}.5", "--body", str(repaired), "--keep")
    assert said.code == 0, said.err
    async with guarded.visit("operator") as operator:
        message = await operator.nc.jetstream().get_last_msg("TASK_REQUESTED", SUBJECT.format(5))
    assert message.data == b'{"repaired": true}'
    assert len((await atelier("dlq", "list", "--json")).json) == 1


async def test_many_are_sent_again_only_if_a_person_agrees(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    for number in (21, 22, 23):
        await bury(gateway, guarded, number)
    await bury(gateway, guarded, 24, reason="too_large")
    refused = await atelier("dlq", "replay", "--all", "--reason", "invalid_json", answer="n\n")
    assert refused.code == 1
    assert len((await atelier("dlq", "list", "--json")).json) == 4
    agreed = await atelier("dlq", "replay", "--all", "--reason", "invalid_json", "--yes")
    assert "3 sent again" in agreed.out
    [left] = (await atelier("dlq", "list", "--json")).json
    assert left["reason"] == "too_large"


async def test_a_verdict_is_never_sent_again_and_its_letter_stays(
    atelier: Atelier, guarded: Guarded
) -> None:
    async with guarded.visit("storage") as storage:
        await bury(
            storage.nc,
            guarded,
            1,
            step="content-stored",
            subject="content.moderated.default.t.p.1",
        )
    said = await atelier("dlq", "replay", "content-stored.1")
    assert said.code == 1
    assert "only its own service" in said.err
    assert len((await atelier("dlq", "list", "--json")).json) == 1


async def test_a_letter_that_cannot_be_sent_again_holds_up_no_other(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    async with guarded.visit("storage") as storage:
        verdict = "content.moderated.default.t.p.1"
        await bury(storage.nc, guarded, 1, step="content-stored", subject=verdict)
    await bury(gateway, guarded, 31)
    said = await atelier("dlq", "replay", "--all", "--yes")
    assert (said.code, "1 sent again" in said.out) == (1, True)
    assert "1 could not be sent again" in said.err
    [left] = (await atelier("dlq", "list", "--json")).json
    assert left["subject"] == verdict


async def test_a_letter_whose_body_is_gone_is_shown_and_sent_again_repaired(
    atelier: Atelier, gateway: Client, guarded: Guarded, tmp_path: Path
) -> None:
    await bury(gateway, guarded, 41)
    async with guarded.visit("operator") as operator:
        js = operator.nc.jetstream()
        bodies = JetStreamBlobs(js, "dead-letters")
        [kept] = [kept async for kept in Letterbox(js, guarded.names, bodies).letters()]
        await bodies.delete(kept.letter.body)
    assert "the body is gone" in (await atelier("dlq", "show", kept.id)).out
    said = await atelier("dlq", "replay", kept.id)
    assert (said.code, "--body" in said.err) == (1, True)
    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(b"{}")
    assert (await atelier("dlq", "replay", kept.id, "--body", str(repaired))).code == 0
    assert (await atelier("dlq", "list", "--json")).json == []


async def test_what_others_have_written_does_not_steer_the_terminal(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    steering = "\x1b[31mred\x9b0m [bold]x[/bold]"
    news = {"detail": steering, "headers": {"ce-id": steering}, "body": steering.encode()}
    await bury(gateway, guarded, 1, **news)
    listed, shown = await atelier("dlq", "list"), await atelier("dlq", "show", STEP)
    machine = await atelier("dlq", "show", STEP, "--json")
    for said in (listed, shown, machine):
        assert said.code == 0
        assert not {"\x1b", "\x9b"} & set(said.out)
        assert "[bold]x[/bold]" in said.out


async def test_a_long_body_is_cut_after_its_secrets_are_masked(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    secret = "Bearer hunter22hunter22"
    # Cut through its middle, the token would be too short to be known as one.
    body = "x " * 2041 + secret + " y" * 100
    await bury(gateway, guarded, 1, body=body.encode())
    cut, full = await atelier("dlq", "show", STEP), await atelier("dlq", "show", STEP, "--full")
    assert "hunter" not in cut.out + full.out
    assert "more with --full" in cut.out
    assert "y y" in full.out


async def test_something_else_among_the_letters_is_told_by_its_place(
    atelier: Atelier, guarded: Guarded
) -> None:
    async with guarded.visit("gateway") as gateway, guarded.visit("operator") as operator:
        ack = await gateway.nc.jetstream().publish(f"dead.letter.{STEP}.1.x", b"no letter")
        said = await atelier("dlq", "list")
        await operator.nc.jetstream().delete_msg("DEAD_LETTER", ack.seq)
    assert said.code == 1
    assert f"message {ack.seq} of DEAD_LETTER is no dead letter" in said.err


@pytest.mark.parametrize(
    "arguments",
    [("drop",), ("replay", "x", "--all"), ("drop", "x", "--reason", "y"), ("list", "--page", "0")],
)
async def test_what_could_be_meant_in_two_ways_is_wrong_usage(
    atelier: Atelier, arguments: tuple[str, ...]
) -> None:
    assert (await atelier("dlq", *arguments)).code == 2


async def test_letters_are_dropped_with_their_bodies(
    atelier: Atelier, gateway: Client, guarded: Guarded
) -> None:
    await bury(gateway, guarded, 1)
    await bury(gateway, guarded, 2)
    assert (await atelier("dlq", "drop", f"{STEP}.1", answer="n\n")).code == 1
    assert "1 dropped" in (await atelier("dlq", "drop", f"{STEP}.1", "--yes")).out
    [left] = (await atelier("dlq", "list", "--json")).json
    assert left["sequence"] == 2
    assert "1 dropped" in (await atelier("dlq", "drop", "--all", "--yes")).out
    assert (await atelier("dlq", "list", "--json")).json == []


async def test_a_broker_that_does_not_let_us_in_is_told_with_what_to_do(atelier: Atelier) -> None:
    away = await atelier("dlq", "list", NATS_URL="nats://127.0.0.1:9")
    assert away.code == 1
    assert "NATS_URL" in away.err
    wrong = await atelier("dlq", "list", NATS_NKEY_SEED="SUAA")
    assert wrong.code == 2
    assert "NATS_NKEY_SEED" in wrong.err

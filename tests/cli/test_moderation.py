"""`atelier review`, `takedown`, `unfreeze` and `check`, against a real gateway on a socket."""

import base64
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from shared import links
from shared.calls import SignedLinks, SignLinks
from shared.content import BlockCategory, BlockedOn, JudgeReport
from shared.factlog import utc_now
from tests.cli.served import Run, run, served
from tests.gateway.backend import SECRET
from tests.gateway.conftest import World, app, world

__all__ = ["app", "world"]

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR"
STEERING = "\x1b[31mred\x9b0m [bold]x[/bold]"


@pytest.fixture
async def atelier(world: World) -> AsyncIterator[Run]:
    """Run `atelier …` with a key of the first tenant, and links that storage would sign."""

    async def sign(request: SignLinks) -> SignedLinks:
        expires_at = int(time.time()) + request.expires_s
        key, review = world.door.link_signing_key, request.in_review
        signed = (
            links.sign(key, "/objects", k, expires_at, in_review=review) for k in request.keys
        )
        return SignedLinks(urls=tuple(signed))

    world.backend.instead["storage.links.sign"] = sign
    async with served(world, now=utc_now) as url:
        yield lambda *arguments, **how: run(url, *arguments, **how)


async def test_held_pieces_are_listed_and_chosen(atelier: Run, world: World) -> None:
    assert (await atelier("review", "list")).out == "Nothing waits for review.\n"
    for number in range(60):
        world.backend.hold(f"p{number}", task_id=f"t{number % 2}")
    world.backend.hold("b", verdict={"blocked": BlockCategory.MINORS, "reason": STEERING})
    said = await atelier("review", "list")
    assert said.code == 0, said.err
    assert "p49" in said.out
    assert "p50" not in said.out
    assert "and more" in said.out
    every = (await atelier("review", "list", "--limit", "500", "--json")).json
    assert [review["piece_id"] for review in every] == [*(f"p{n}" for n in range(60)), "b"]
    [blocked] = (await atelier("review", "list", "--blocked", "--json")).json
    assert blocked["piece_id"] == "b"
    told = (await atelier("review", "list", "--blocked")).out
    assert "absolute block (minors)" in told
    assert "\x1b" not in told
    odd = (await atelier("review", "list", "--task", "t1", "--not-blocked", "--json")).json
    assert len(odd) == 30
    assert (await atelier("review", "list", "--tier", "gold")).code == 2


async def test_ids_can_be_copied_from_a_narrow_terminal(atelier: Run, world: World) -> None:
    piece = "72e70cc4-ef0f-5828-bb74-5421b012612f"
    world.backend.hold(piece, verdict={"reason": "nobody could score it " * 5})
    said = await atelier("review", "list", columns=80)
    assert piece in said.out
    assert max(map(len, said.out.splitlines())) <= 80


async def test_a_review_is_shown_with_scores_decisions_and_a_link(
    atelier: Run, world: World
) -> None:
    judge = JudgeReport(judge="omni", image_scores={"sexual": 0.7}, text_scores={"sexual": 0.125})
    judged = {"judges": (judge,), "unscored": ("minors",), "approvals_needed": 2}
    world.backend.hold("p", verdict=judged | {"reason": STEERING})
    await atelier("review", "approve", "p", "--rating", "safe", "--reason", "fine with me")
    said = await atelier("review", "show", "p")
    assert said.code == 0, said.err
    lines = [line.split() for line in said.out.splitlines()]
    assert ["minors", "not", "judged", "not", "judged"] in lines
    assert ["sexual", "omni", "0.700", "0.125"] in lines
    assert "TOK_ada, by a window" in said.out
    assert "Golden hour." in said.out
    assert ["approve", "k1"] in [line[:2] for line in lines]
    assert "fine with me" in said.out
    assert "[bold]x[/bold]" in said.out
    assert "&review=1" in said.out
    assert not {"\x1b", "\x9b"} & set(said.out)
    shown = (await atelier("review", "show", "p", "--json")).json
    assert shown["verdict"]["judges"][0]["judge"] == "omni"


async def test_the_image_is_saved_to_a_new_file_for_the_own_eyes(
    atelier: Run, world: World, tmp_path: Path
) -> None:
    review = world.backend.hold("p")
    world.put("review", review.object_key, PNG)
    path = tmp_path / "held.png"
    said = await atelier("review", "show", "p", "--save", str(path))
    assert said.code == 0, said.err
    assert path.read_bytes() == PNG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = await atelier("review", "show", "p", "--save", str(path))
    assert (again.code, "does not exist yet" in again.err) == (1, True)


async def test_an_image_that_is_gone_is_told(atelier: Run, world: World, tmp_path: Path) -> None:
    world.backend.hold("p")
    world.backend.hold("q", state="rejected")
    lost = await atelier("review", "show", "p", "--save", str(tmp_path / "p.png"))
    assert (lost.code, "404" in lost.err) == (1, True)
    assert "signature" not in lost.err
    ended = await atelier("review", "show", "q", "--save", str(tmp_path / "q.png"))
    assert (ended.code, "not held any more" in ended.err) == (1, True)
    assert not list(tmp_path.glob("*.png"))


async def test_a_link_is_followed_without_the_key(
    atelier: Run, world: World, tmp_path: Path, httpserver: HTTPServer
) -> None:
    heard: list[dict[str, str]] = []

    def answer(request: Request) -> Response:
        heard.append(dict(request.headers))
        return Response(PNG)

    async def elsewhere(_: SignLinks) -> SignedLinks:
        url = httpserver.url_for("/bucket/p.png")
        return SignedLinks(urls=(url, url))

    httpserver.expect_request("/bucket/p.png").respond_with_handler(answer)
    world.backend.hold("p")
    world.backend.instead["storage.links.sign"] = elsewhere
    said = await atelier("review", "show", "p", "--save", str(tmp_path / "p.png"))
    assert said.code == 0, said.err
    [headers] = heard
    assert SECRET not in str(headers)


async def test_decisions_are_made_and_told(atelier: Run, world: World) -> None:
    for piece in ("a", "b", "c"):
        world.backend.hold(piece)
    world.backend.hold("two", verdict={"approvals_needed": 2})
    assert "goes on" in (await atelier("review", "approve", "a", "--rating", "suggestive")).out
    waits = await atelier("review", "approve", "two", "--rating", "safe")
    assert "somebody else has to agree" in waits.out
    refused = await atelier("review", "reject", "b", "--reason", "seven fingers", answer="n\n")
    assert (refused.code, world.backend.reviews["b"].decisions) == (1, ())
    assert (await atelier("review", "reject", "b", "--reason", "seven fingers", "--yes")).code == 0
    told = (await atelier("review", "reject", "c", "--reason", "r", "--yes", "--json")).json
    assert (told["state"], told["decisions"][0]["by"]) == ("rejected", "k1")
    [decision] = world.backend.reviews["b"].decisions
    assert (decision.decision, decision.reason) == ("reject", "seven fingers")


@pytest.mark.parametrize(
    "arguments",
    [
        ("review", "approve", "p"),
        ("review", "approve", "p", "--rating", "explicit"),
        ("review", "reject", "p"),
        ("takedown", "p"),
        ("unfreeze", "ada"),
        ("check",),
        ("check", "--image", "/nonexistent"),
        ("check", "--image", __file__, "--piece", "p"),
    ],
    ids=" ".join,
)
async def test_what_says_too_little_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert (await run("http://127.0.0.1:9", *arguments)).code == 2


async def test_refusals_are_told_with_code_and_next_step(atelier: Run, world: World) -> None:
    world.backend.hold("p", verdict={"blocked": BlockCategory.MINORS, "blocked_on": "image"})
    blocked = await atelier("review", "approve", "p", "--rating", "safe")
    assert (blocked.code, "review_blocked: " in blocked.err) == (1, True)
    assert "Reject it." in blocked.err
    for command in (("review", "show", "../../keys"), ("review", "show", "nobody")):
        said = await atelier(*command)
        assert (said.code, said.out) == (1, "")
    assert "avatar_not_frozen" in (await atelier("unfreeze", "ada", "--reason", "r")).err
    taken = await atelier("takedown", "nobody", "--reason", "r", "--yes")
    assert "piece_not_found" in taken.err


async def test_a_block_is_told_with_where_it_was_found(atelier: Run, world: World) -> None:
    judged = {"blocked": BlockCategory.REAL_PERSON, "blocked_on": BlockedOn.CAPTIONS}
    world.backend.hold("p", verdict=judged)
    assert "real_person, found on the captions" in (await atelier("review", "show", "p")).out


async def test_a_piece_is_taken_down_and_nobody_does_so_by_accident(
    atelier: Run, world: World
) -> None:
    async with world.client(public_base_url=world.app.state.door.public_base_url) as client:
        order = {"avatar_id": "ada", "num_pieces": 1}
        task_id = (await client.post("/api/v1/content/batch", json=order)).json()["task_id"]
    piece = world.backend.deliver(task_id, 0)
    refused = await atelier("takedown", piece.id, "--reason", "a court says so", answer="n\n")
    assert (refused.code, world.backend.taken_down) == (1, [])
    said = await atelier("takedown", piece.id, "--reason", "a court says so", "--yes")
    assert (said.code, said.out) == (0, f"{piece.id} is taken down.\n")
    [asked] = world.backend.taken_down
    assert asked.reason == "a court says so"
    told = (await atelier("takedown", piece.id, "--reason", "r", "--yes", "--json")).json
    assert told["taken_down_at"] is not None


async def test_an_avatar_is_unfrozen(atelier: Run, world: World) -> None:
    world.backend.avatar(frozen={"at": "2026-05-01T12:00:00Z", "reason": "minors"})
    said = await atelier("unfreeze", "ada", "--reason", "a false alarm")
    assert (said.code, said.out) == (0, "ada may be used again.\n")
    assert world.backend.avatars["ada"].frozen is None


async def test_a_text_and_an_image_are_checked(atelier: Run, world: World, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(PNG)
    said = await atelier("check", "--text", "forbidden", "--image", str(image), "--tier", "capa2")
    assert said.code == 0, said.err
    assert "rejected" in said.out
    assert "minors: a rule of the test" in said.out
    assert "0.250" in said.out
    [(asked, seen)] = world.backend.checked
    assert (asked.text, asked.tier, seen) == ("forbidden", "capa2", PNG)
    told = (await atelier("check", "--text", "fine", "--avatar", "ada", "--json")).json
    assert (told["decision"], told["unscored"]) == ("approved", ["violence"])


async def test_what_is_no_image_or_too_large_is_refused(
    atelier: Run, world: World, tmp_path: Path
) -> None:
    text = tmp_path / "a.png"
    text.write_bytes(base64.b64encode(PNG))
    assert "image_base64" in (await atelier("check", "--image", str(text))).err
    with text.open("r+b") as file:
        file.truncate(10 * 2**20 + 1)  # sparse
    said = await atelier("check", "--image", str(text))
    assert (said.code, "larger than" in said.err) == (1, True)
    assert not world.backend.checked

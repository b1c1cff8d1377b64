"""Delivered objects: open ones to all, others by signed links, nothing else to anybody."""

from collections.abc import AsyncIterator, MutableMapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
from starlette.requests import Request

from services.gateway.handler.conditional import not_modified
from shared import links
from tests.gateway.backend import NOW
from tests.gateway.conftest import ORIGIN, World

KEY = "content/ada/p_token.png"
SECRET = b"k" * 32
SOON = int((NOW + timedelta(minutes=5)).timestamp())


@pytest.fixture
async def anybody(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    async with world.client(key=None) as client:
        yield client


def signed(
    key: str = KEY,
    *,
    secret: bytes = SECRET,
    expires_at: int = SOON,
    in_review: bool = False,
) -> str:
    return links.sign(secret, f"{ORIGIN}/objects", key, expires_at, in_review=in_review)


async def test_an_open_object_is_served_to_anybody_and_cached_for_good(
    world: World, anybody: httpx2.AsyncClient
) -> None:
    world.put("public", KEY, b"\x89PNG")
    answer = await anybody.get(f"/objects/{KEY}")
    assert (answer.status_code, answer.content) == (200, b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = await anybody.head(f"/objects/{KEY}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == "4"
    etag = {"If-None-Match": answer.headers["etag"]}
    assert (await anybody.get(f"/objects/{KEY}", headers=etag)).status_code == 304


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.jpg", "image/jpeg"), ("a.webp", "image/webp"), ("a.svg", "application/octet-stream")],
)
async def test_only_pictures_are_shown_as_what_they_are(
    world: World, anybody: httpx2.AsyncClient, name: str, media_type: str
) -> None:
    world.put("public", name)
    assert (await anybody.get(f"/objects/{name}")).headers["content-type"] == media_type


@pytest.mark.parametrize("byte_range", ["bytes=1-2", "bytes=99-", "nonsense", "bytes=2-1"])
async def test_a_file_always_comes_in_full(
    world: World, anybody: httpx2.AsyncClient, byte_range: str
) -> None:
    world.put("public", KEY, b"image")
    answer = await anybody.get(f"/objects/{KEY}", headers={"Range": byte_range})
    assert (answer.status_code, answer.content) == (200, b"image")


async def test_a_private_object_opens_by_its_link_until_it_expires(
    world: World, anybody: httpx2.AsyncClient
) -> None:
    world.put("private", KEY)
    answer = await anybody.get(signed())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    later = NOW + timedelta(minutes=5)
    async with world.client(key=None, now=lambda: later) as client:
        assert (await client.get(signed())).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        f"/objects/{KEY}",
        signed(secret=b"x" * 32),
        signed("content/ada/other.png").replace("other.png", "p_token.png"),
        signed(expires_at=SOON).replace(str(SOON), str(SOON + 1)),
        signed(expires_at=SOON).split("&")[0],
        signed()[:-1],
        f"/objects/{KEY}?expires=soon&signature=x",
        f"/objects/{KEY}?expires={'9' * 5000}&signature=x",
        f"/objects/{KEY}?expires=-1&signature=%C3%A9",
    ],
    ids=lambda url: str(len(url)),
)
async def test_a_private_object_opens_by_nothing_else(
    world: World, anybody: httpx2.AsyncClient, url: str
) -> None:
    world.put("private", KEY)
    answer = await anybody.get(url)
    assert answer.status_code == 404
    assert answer.json()["code"] == "object_not_found"


async def test_a_link_for_one_object_does_not_open_review_or_parents(
    world: World,
) -> None:
    world.put("review", KEY)
    world.put("private", "a/b.png")
    for key in (KEY, f"../review/{KEY}", f"a/../../review/{KEY}"):
        assert (await get_raw(world, *_split(signed(key)))).status_code == 404


async def test_what_is_held_opens_by_a_reviewers_link_and_is_kept_nowhere(
    world: World, anybody: httpx2.AsyncClient
) -> None:
    world.put("review", KEY, b"\x89PNG")
    answer = await anybody.get(signed(in_review=True))
    assert (answer.status_code, answer.content) == (200, b"\x89PNG")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-type"] == "image/png"
    etag = {"If-None-Match": answer.headers["etag"]}
    known = await anybody.get(signed(in_review=True), headers=etag)
    assert (known.status_code, known.headers["cache-control"]) == (304, "private, no-store")
    async with world.client(key=None, now=lambda: NOW + timedelta(minutes=5)) as later:
        assert (await later.get(signed(in_review=True))).status_code == 404


@pytest.mark.parametrize("area", ["public", "private"])
async def test_a_reviewers_link_opens_nothing_else(
    world: World, anybody: httpx2.AsyncClient, area: str
) -> None:
    world.put(area, KEY)
    assert (await anybody.get(signed(in_review=True))).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        f"/objects/{KEY}",
        f"/objects/{KEY}?review=1",
        signed(),
        f"{signed()}&review=1",
        signed(in_review=True).replace("&review=1", ""),
        signed(in_review=True).replace("&review=1", "&review=0"),
        signed(in_review=True).replace("&review=1", "&review=true"),
        signed(in_review=True).replace("&review=1", "&review="),
        signed(in_review=True).replace("&review=1", "&Review=1"),
        f"{signed(in_review=True)}&review=1",
        f"{signed(in_review=True)}&review=0",
        signed(in_review=True, secret=b"x" * 32),
        signed(in_review=True, expires_at=SOON).replace(str(SOON), str(SOON + 1)),
        signed("content/ada/other.png", in_review=True).replace("other.png", "p_token.png"),
        signed(f"review/{KEY}"),
        signed(f"review/{KEY}", in_review=True),
        signed(f"review\n{KEY}").replace("review%0A", ""),
    ],
    ids=str,
)
async def test_what_is_held_opens_by_nothing_else(
    world: World, anybody: httpx2.AsyncClient, url: str
) -> None:
    world.put("review", KEY)
    answer = await anybody.get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


@pytest.mark.parametrize("key", ["../private/a.png", "a/../../private/a.png", "../public/a.png"])
async def test_a_reviewers_link_leads_to_no_other_area(world: World, key: str) -> None:
    for area in ("public", "private"):
        world.put(area, "a.png")
    world.put("review", "a/b.png")
    assert (await get_raw(world, *_split(signed(key, in_review=True)))).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/objects/../secret.txt",
        "/objects/content/../../secret.txt",
        "/objects/..%2fsecret.txt",
        "/objects/%2e%2e/secret.txt",
        "/objects/content%2fada%2fp_token.png",
        "/objects/content/ada/p_token.png%00",
        "/objects/content/ada/p_token.png\0",
        "/objects/content\\ada\\p_token.png",
        "/objects//content/ada/p_token.png",
        "/objects/content//ada/p_token.png",
        "/objects/./content/ada/p_token.png",
        "/objects/content/ada/",
        "/objects/content/ada",
        "/objects/",
        "/objects",
        "/objects/content/ada/.hidden.png",
        "/objects/.hidden/x.png",
        "/objects/link.png",
        "/objects/linked/p_token.png",
        "/objects/public/content/ada/p_token.png",
        "/objects/" + "a" * 5000,
        "/objects/" + "a/" * 2000 + "a",
        "/objects//etc/passwd",
        "/objects/%c3%a9.png",
    ],
    ids=lambda path: path[:40].replace("\0", "NUL"),
)
async def test_nothing_but_plain_keys_leads_anywhere(world: World, path: str) -> None:
    world.put("public", KEY)
    world.put("public", "content/ada/.hidden.png")
    world.put("public", ".hidden/x.png")
    world.put("public", "é.png")
    world.put("", "secret.txt")
    (world.objects / "public/link.png").symlink_to(world.objects / "secret.txt")
    (world.objects / "public/linked").symlink_to(world.objects / "public/content/ada")
    answer = await get_raw(world, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_only_reading_is_offered(world: World, anybody: httpx2.AsyncClient) -> None:
    world.put("public", KEY)
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        answer = await anybody.request(method, f"/objects/{KEY}")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_a_missing_directory_is_no_error(anybody: httpx2.AsyncClient) -> None:
    assert (await anybody.get(f"/objects/{KEY}")).status_code == 404
    assert (await anybody.get(signed())).status_code == 404


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.path, parts.query


async def get_raw(world: World, path: str, query: str = "") -> httpx2.Response:
    """Ask with exactly this path: no client tidies it up."""
    world.client(key=None)
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"door.test")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("door.test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await world.app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return httpx2.Response(sent[0]["status"], headers=sent[0]["headers"], content=body)


def test_a_version_is_recognised_in_any_form_of_the_header() -> None:
    def asked(*values: str) -> Request:
        headers = [(b"if-none-match", value.encode()) for value in values]
        return Request({"type": "http", "headers": headers})

    assert not_modified(asked('W/"a", "b"'), '"a"')
    assert not not_modified(asked('"b"'), '"a"')
    assert not not_modified(asked(), '"a"')

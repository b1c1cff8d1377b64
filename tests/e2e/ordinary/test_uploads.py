"""Pieces that were kept back are nobody's to read, until they are uploaded."""

import httpx2

from tests.e2e.system import System

CAPA1 = {"capa1_ratio": 1, "capa2_ratio": 0, "capa3_ratio": 0}


def read(url: str) -> httpx2.Response:
    """As somebody without any key."""
    return httpx2.get(url, trust_env=False)


async def test_what_was_kept_back_opens_by_its_upload_and_not_before(atelier: System) -> None:
    task_id = atelier.order(atelier.avatar(), 2, tier_distribution=CAPA1, upload_to_storage=False)
    pieces = atelier.finished(task_id)["result"]["content_pieces"]
    assert all(piece["url"].startswith("data:image/") for piece in pieces)
    rows = await atelier.rows("select object_key from content_pieces where task_id = $1", task_id)
    open_urls = [f"{atelier.endpoint['url']}/objects/{row['object_key']}" for row in rows]
    assert [read(url).status_code for url in open_urls] == [404, 404]

    body = {"piece_ids": [piece["id"] for piece in pieces]}
    first = atelier.client.post("/content/upload-batch", json=body)
    assert first.status_code == 200, first.text
    assert first.json()["total_uploaded"] == 2
    urls = [result["url"] for result in first.json()["results"]]
    assert sorted(urls) == sorted(open_urls)
    for result in first.json()["results"]:
        for url in (result["url"], result["thumbnail_url"]):
            assert read(url).headers["content-type"] == "image/jpeg"
    assert atelier.client.post("/content/upload-batch", json=body).json() == first.json()

    kept = sorted(
        path.parts[-4]
        for path in (atelier.data / "objects").rglob("*.jpg")
        if any(piece["id"] in path.name for piece in pieces)
    )
    assert kept == ["public"] * 4
    told = atelier.client.get(f"/content/pieces/{pieces[0]['id']}").json()
    assert [entry["fact"] for entry in told["timeline"]].count("content.uploaded") == 1
    assert (told["url"] in urls, told["state"]) == (True, "persisted")


async def test_captions_by_a_key_are_written_once(atelier: System) -> None:
    ask = {"prompt": "reading by a window", "platform": "x"}
    by_key = {"Idempotency-Key": "captions-once"}
    answers = [atelier.client.post("/content/hooks", json=ask, headers=by_key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    other = atelier.client.post("/content/hooks", json=ask | {"count": 1}, headers=by_key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")

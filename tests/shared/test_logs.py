"""Logs tell what happened and never what opens a door."""

import json
import subprocess
import sys

import pytest

from shared.logs import MASK, mask, mask_event

CANARIES = {
    "nats user info": "cannot reach nats://atelier:hunter2@10.0.0.1:4222 now",
    "nats token": "cannot reach nats://hunter2@10.0.0.1:4222",
    "two servers": "nats://a:hunter2@h1:4222,nats://b:hunter2@h2:4222",
    "database": "postgresql://atelier:hun@ter2@db/atelier refused",
    "signed link": "GET https://cdn.example/a.png?expires=1&signature=hunter2 404",
    "signed path": "GET /objects/a.png?expires=1&signature=hunter2 404",
    "presigned": "https://r2.example/a?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2",
    "amz outside a url": "X-Amz-Signature=hunter2",
    "bearer": "Authorization: Bearer hunter2hunter2",
    "our key": "key atl_k1_hunter2 was refused",
    "vendor key": "sk-ant-hunter2-hunter2-hunter2",
    "in quotes": "url='https://x.example/?sig=hunter2' failed",
    "in json": '{"url": "https://x.example/?sig=hunter2"}',
}


@pytest.mark.parametrize("text", CANARIES.values(), ids=CANARIES.keys())
def test_a_secret_in_a_text_is_masked(text: str) -> None:
    masked = mask(text)
    assert MASK in masked
    assert "ter2" not in masked  # half a password is one too


def test_what_surrounds_a_secret_stays_readable() -> None:
    masked = mask("GET https://cdn.example/a.png?signature=x from nats://t@h:4222 after 3 s")
    assert masked == f"GET https://cdn.example/a.png?{MASK} from nats://{MASK}@h:4222 after 3 s"


@pytest.mark.parametrize(
    "text", ["a question? yes", "user@example.org wrote", "tokens: 12", "sk-short", "2 + 2 = 4"]
)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "field", ["token", "api_key", "apikey", "NATS_PASSWORD", "Authorization", "link_signing_key"]
)
def test_a_field_whose_name_tells_a_secret_is_masked_whole(field: str) -> None:
    assert mask_event(None, "info", {field: "hunter2"}) == {field: MASK}


def test_masking_reaches_whatever_a_field_holds() -> None:
    event = mask_event(
        None,
        "info",
        {
            "nested": {"list": [{"password": "hunter2"}, "nats://hunter2@h"]},
            "bytes": b"nats://hunter2@h",
            "error": ValueError("nats://hunter2@h"),
            "object": Opaque(),
            "tuple": ("Bearer hunter2hunter2",),
        },
    )
    assert "hunter2" not in repr(event)


class Opaque:
    def __repr__(self) -> str:
        return "Opaque(url='https://x.example/?sig=hunter2')"


def test_counts_are_no_secrets() -> None:
    event = {"output_tokens": 12, "ok": True, "duration_ms": 1.5, "nothing": None}
    assert mask_event(None, "info", dict(event)) == event


PROGRAM = """
import logging, structlog
from shared import logs
log = structlog.get_logger("early")
logs.configure(service="hooks", level="info", structured={structured})
log.info("piece.done", url="https://cdn.example/a?sig=hunter2", pieces=3)
log.debug("piece.detail")
logging.getLogger("library").warning("to %s", "nats://hunter2@h")
try:
    raise ValueError("postgresql://u:hunter2@db/x")
except ValueError:
    log.exception("piece.failed")
    logging.getLogger("library").exception("it failed")
"""


def lines_of(*, structured: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(structured=structured)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_structured_logs_are_one_json_object_a_line() -> None:
    done, library, failed, library_failed = (json.loads(li) for li in lines_of(structured=True))
    assert (
        done.items()
        >= {
            "event": "piece.done",
            "level": "info",
            "service": "hooks",
            "pieces": 3,
            "url": f"https://cdn.example/a?{MASK}",
        }.items()
    )
    assert library["event"] == f"to nats://{MASK}@h"
    assert "ValueError" in failed["exception"]
    assert "hunter2" not in failed["exception"] + library_failed["exception"]
    assert all("timestamp" in line for line in (done, library, failed, library_failed))


def test_logs_for_people_are_masked_too() -> None:
    text = "\n".join(lines_of(structured=False))
    assert "piece.done" in text
    assert "ValueError" in text
    assert "hunter2" not in text
    assert "piece.detail" not in text

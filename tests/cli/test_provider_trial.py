"""`atelier providers test`: one image by the generator's own code, and nobody else at work.

The command becomes the trial; what the trial does is tried without a process of its own.
"""

import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug import Response

from tests.cli.in_process import Said, run_here
from tests.eventually import eventually
from tests.generator.worker_stub import (
    Worker,
    image_answer,
    plain,
    png,
    refusal,
    running_worker,
)

ROOT = Path(__file__).parents[2]
LIMIT_S = 60
TOKEN = "canary-token-7f3a"
LORA_URL = "https://bucket.example/loras/ada.safetensors?X-Amz-Signature=canary-signature-91c2"
CANARIES = ("canary", "X-Amz-Signature")
TRIAL = "services.generator.trial"
MODAL = ("modal_sdxl_lora", "--json")


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Somebody who makes images."""
    with running_worker() as worker:
        yield worker


@pytest.fixture
def sleeper(worker: Worker) -> Iterator[Worker]:
    """Somebody who does not make any before the test is over."""
    over = threading.Event()
    worker.delay_s = lambda _: float(over.wait(LIMIT_S))
    yield worker
    over.set()


def environment(worker: Worker | None = None, **settings: str) -> dict[str, str]:
    """Nothing but what a trial needs."""
    known = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    if worker is not None:
        known |= {"MODAL_ENDPOINT_URL": worker.url, "MODAL_API_TOKEN": TOKEN}
        known |= {"ATELIER_LORA_URL": LORA_URL}
    return known | settings


def started(*arguments: str, root: Path = ROOT, **settings: Any) -> "subprocess.Popen[str]":
    """The command, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "providers", "test", *arguments],
        env=environment(**settings),
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> Said:
    """How it ended."""
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    return discreet(Said(process.returncode, out, err))


def trial(*arguments: str, **settings: Any) -> Said:
    """What the command becomes, from its beginning to its end."""
    return discreet(run_here(TRIAL, *arguments, **environment(**settings)))


def discreet(said: Said) -> Said:
    """The same, which holds no secret."""
    for canary in CANARIES:
        assert canary not in said.out + said.err
    return said


def test_an_image_is_made_shown_and_saved(worker: Worker, tmp_path: Path) -> None:
    out = tmp_path / "image.png"
    said = ended(started(*MODAL, "--prompt", "a red door", "--out", str(out), worker=worker))
    assert said.code == 0, said.err
    told = said.json
    assert told.pop("seconds") < LIMIT_S
    assert told == {
        "ok": True,
        "provider": "modal_sdxl_lora",
        "call_id": None,
        "saved": str(out),
        "model": "tiny-sdxl",
        "width": 1024,
        "height": 1024,
        "media_type": "image/png",
        "bytes": len(png(1024, 1024)),
        "cost_usd": 0.01,
        "lora_applied": True,
        "lora_scale": 0.9,
        "preview": False,
    }
    assert out.read_bytes() == png(1024, 1024)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_the_worker_is_asked_as_the_generator_asks_it(worker: Worker) -> None:
    trial(*MODAL, "--prompt", "a red door", worker=worker)
    [asked] = worker.asked
    assert (asked["prompt"], asked["lora_url"]) == ("a red door", LORA_URL)
    assert worker.tokens == [f"Bearer {TOKEN}"]


def test_the_cost_is_told_before_and_that_nobody_books_it(worker: Worker) -> None:
    worker.will(plain(503))
    said = trial("modal_sdxl_lora", worker=worker, MODAL_COST_USD_PER_IMAGE="0.0375")
    assert "one image of 1024x1024" in said.err
    assert "about $0.0375" in said.err
    assert "not booked" in said.err


def test_people_get_lines_of_what_they_want_to_know(worker: Worker) -> None:
    said = trial("modal_sdxl_lora", worker=worker)
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines["provider"] == "modal_sdxl_lora"
    assert lines["cost"] == "$0.01"
    assert lines["LoRA"] == "applied, scale 0.9"
    assert lines["image"].startswith("1024x1024, image/png, ")


def test_a_refusal_is_told_with_code_detail_and_next_step(worker: Worker) -> None:
    worker.will(plain(401))
    said = trial("modal_sdxl_lora", worker=worker)
    assert said.code == 1
    assert "UNAUTHORIZED: HTTP 401" in said.out
    assert "token" in said.out


def test_a_failure_is_told_to_machines_and_one_call_is_all_that_is_made(worker: Worker) -> None:
    worker.will(refusal(503, "CUDA_OOM", retry_after=7))
    said = trial(*MODAL, worker=worker)
    assert said.code == 1
    told = said.json
    assert (told["ok"], told["code"], told["outcome"]) == (False, "CUDA_OOM", "failed")
    assert told["next_step"].startswith("Wait 7 s. ")
    assert len(worker.asked) == 1


def test_what_a_worker_repeats_of_our_secrets_is_not_told_on(worker: Worker) -> None:
    answer = image_answer(png(1024, 1024), {"seed": 1, "steps": 28, "cfg": 5.5, "lora_scale": 1})
    body = answer.get_json()
    body["model_info"]["base_model"] = f"tiny of {LORA_URL} by {TOKEN}\x1b[31m"
    for form in ((), ("--json",)):
        worker.will(Response(json.dumps(body), content_type="application/json"))
        said = trial("modal_sdxl_lora", *form, worker=worker)
        assert "tiny of" in said.out
        assert "\x1b" not in said.out


def test_a_black_image_fails_but_may_be_looked_at(worker: Worker, tmp_path: Path) -> None:
    def black(width: int, height: int) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (width, height)).save(out, "PNG")
        return out.getvalue()

    worker.image = black
    out = tmp_path / "black.png"
    said = trial(*MODAL, "--out", str(out), worker=worker)
    assert said.code == 1
    assert (said.json["code"], said.json["detail"]) == ("BAD_RESPONSE", "all black")
    assert said.json["cost_usd"] == 0.01
    assert out.read_bytes() == black(1024, 1024)


def test_a_worker_that_hangs_is_given_up_and_may_have_billed(sleeper: Worker) -> None:
    said = trial(*MODAL, worker=sleeper, MODAL_TIMEOUT_SECONDS="1")
    assert said.code == 1
    assert (said.json["code"], said.json["outcome"]) == ("TIMEOUT", "unknown")
    assert "look at the bill" in said.json["next_step"]


def test_who_applies_weights_asks_for_a_link_to_some(worker: Worker) -> None:
    said = trial("modal_sdxl_lora", worker=worker, ATELIER_LORA_URL="")
    assert said.code == 2
    assert "--lora-url" in said.err
    assert not worker.asked


def test_what_is_no_link_is_wrong_usage_and_not_repeated(worker: Worker) -> None:
    said = trial("modal_sdxl_lora", worker=worker, ATELIER_LORA_URL="canary-signature")
    assert (said.code, "ATELIER_LORA_URL" in said.err) == (2, True)
    assert not worker.asked


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"MODAL_TIMEOUT_SECONDS": "soon"}, "MODAL_TIMEOUT_SECONDS"),
        ({"MODAL_API_KEY": "another"}, "MODAL_API_KEY"),
        ({"PROVIDER_PRICE_FILE": "/nonexistent"}, "PROVIDER_PRICE_FILE"),
    ],
)
def test_a_wrong_setting_is_named(worker: Worker, settings: dict[str, str], named: str) -> None:
    said = trial("modal_sdxl_lora", worker=worker, **settings)
    assert (said.code, named in said.err) == (2, True)
    assert "Traceback" not in said.err
    assert not worker.asked


def test_what_is_not_configured_is_named() -> None:
    said = trial("modal_sdxl_lora")
    assert (said.code, "MODAL_ENDPOINT_URL" in said.err) == (2, True)


def test_who_is_no_provider_is_wrong_usage() -> None:
    said = trial("nobody")
    assert (said.code, "modal_sdxl_lora" in said.err) == (2, True)


def test_a_file_that_is_there_is_not_overwritten_and_costs_nothing(
    worker: Worker, tmp_path: Path
) -> None:
    out = tmp_path / "image.png"
    out.write_bytes(b"mine")
    said = trial("modal_sdxl_lora", "--out", str(out), worker=worker)
    assert (said.code, out.read_bytes()) == (2, b"mine")
    assert not worker.asked


def test_the_chain_of_the_installation_is_no_matter(worker: Worker) -> None:
    chain = {
        "AI_IMAGE_PROVIDER": "preview",
        "LORA_PROVIDER": "preview",
        "LORA_INFERENCE_PROVIDER_ORDER": "preview",
    }
    said = trial(*MODAL, worker=worker, **chain)
    assert (said.code, said.json["provider"]) == (0, "modal_sdxl_lora")


def test_a_drawing_needs_neither_settings_nor_weights() -> None:
    said = trial("preview", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (told["preview"], told["cost_usd"], told["lora_applied"]) == (True, 0, False)


def test_without_the_generator_it_is_told_what_to_install(tmp_path: Path) -> None:
    for part in ("cli", "shared"):
        (tmp_path / part).symlink_to(ROOT / part)
    said = ended(started("preview", root=tmp_path))
    assert said.code == 1
    assert "the generator is not installed here" in said.err
    assert "atelier[generator]" in said.err


async def test_secrets_are_not_among_the_arguments_and_a_stop_is_a_stop(sleeper: Worker) -> None:
    # A link that was typed was there for all to see, but is not any more.
    process = started(
        "modal_sdxl_lora", "--lora-url", LORA_URL, worker=sleeper, ATELIER_LORA_URL=""
    )

    async def at_work() -> bool:
        return sleeper.at_work == 1

    await eventually(at_work, LIMIT_S)
    seen = Path(f"/proc/{process.pid}/cmdline").read_text()
    assert TRIAL in seen
    assert not any(canary in seen for canary in CANARIES)
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert said.code == 130
    assert "may go on, and bill it" in said.err
    assert "Traceback" not in said.err
    assert sleeper.asked[0]["lora_url"] == LORA_URL

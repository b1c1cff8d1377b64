"""What the steps do besides keeping books, by the services' own functions where there are any."""

import asyncio
import base64
import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from services.generator.adapters.image_gate import check_image
from services.hooks.adapters.caption_file import CaptionBook, load_captions
from services.hooks.adapters.written_captions import WrittenCaptions
from services.hooks.domain import pick_hooks
from services.safety.app import open_screen
from services.safety.handler.screening import ScreenText, texts_of
from shared.calls import ScreenTexts
from shared.content import Brief, Captions, CaptionSource

GENERATION = {"provider": "modal_sdxl_lora", "model": "stub", "cost_usd_micros": 10_000}

_KEPT_CAPTIONS, _DRAFTED_CAPTIONS = 5, 8


def call_worker(brief: dict[str, Any]) -> bytes:
    """Have an image made over HTTP, and check it."""
    side_px = int(os.environ["BENCH_IMAGE_PX"])
    request = {
        "prompt": brief["prompt"],
        "negative_prompt": brief["negative_prompt"],
        "lora_url": f"https://objects.invalid/{brief['lora']['key']}",
        "lora_scale": brief["lora"]["scale"],
        "width": side_px,
        "height": side_px,
        "steps": brief["steps"],
        "cfg": brief["cfg_scale"],
        "seed": brief["seed"],
        "timeout": 300,
    }
    answer = _client().post(os.environ["BENCH_WORKER_URL"], json=request)
    answer.raise_for_status()
    image = base64.b64decode(answer.json()["image_base64"], validate=True)
    check_image(image, side_px, side_px)
    return image


def keep_privately(piece_id: str, image: bytes) -> dict[str, Any]:
    """Put an image where nobody outside reads; gives the claim check."""
    digest = hashlib.sha256(image).hexdigest()
    path = directory("private") / f"{piece_id}-{digest}"
    write(path, image)
    return {"path": str(path), "sha256": digest, "size": len(image)}


def private_bytes(ref: dict[str, Any]) -> bytes:
    """The bytes of a claim check, checked against their hash."""
    image = Path(ref["path"]).read_bytes()
    if hashlib.sha256(image).hexdigest() != ref["sha256"]:
        raise ValueError("other bytes than those that were kept")
    return image


def forget_private(ref: dict[str, Any]) -> None:
    """Delete what is no longer needed."""
    Path(ref["path"]).unlink(missing_ok=True)


def captions(brief: dict[str, Any], piece_id: str) -> list[str]:
    """Five captions."""
    read = Brief.model_validate(brief)
    draft = WrittenCaptions(_book()).draft(read, piece_id, count=_DRAFTED_CAPTIONS)
    limits = _book().platforms[read.platform].limits
    return list(pick_hooks(_loop().run_until_complete(draft), keep=_KEPT_CAPTIONS, limits=limits))


def is_blocked(brief: dict[str, Any], hooks: list[str]) -> bool:
    """Whether the words must not be shown."""
    read = Brief.model_validate(brief)
    written = Captions(source=CaptionSource.TEMPLATE, hooks=tuple(hooks))
    request = ScreenTexts(tenant="default", texts=tuple(texts_of(read, written)))
    return bool(_screen().screen(request).findings)


def write(path: Path, data: bytes) -> None:
    """A file, complete or absent, and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    with part.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def directory(name: str) -> Path:
    """Where files of a kind lie."""
    return Path(os.environ["BENCH_OBJECTS_DIR"]) / name


@cache
def _client() -> httpx2.Client:
    return httpx2.Client(timeout=300, trust_env=False)


@cache
def _book() -> CaptionBook:
    return load_captions()


@cache
def _screen() -> ScreenText:
    return ScreenText(open_screen())


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()

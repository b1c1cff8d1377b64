"""What a trial shall do: its command line, its settings, and the image to order."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args
from urllib.parse import urlsplit

from services.generator.settings import ProviderName, ProviderSettings
from shared.content import Brief, LoraRef, Platform
from shared.settings import fail_misconfigured, load_settings

LORA_URL = "ATELIER_LORA_URL"
_PROMPT = "portrait of a woman reading by a rainy window, freckles, soft morning light, photograph"
_SEED = 20_260_501


@dataclass(frozen=True, slots=True)
class Wishes:
    """Whom to try, with what, and how to tell about it. `lora_url` is a secret."""

    provider: ProviderName
    prompt: str
    lora_url: str | None
    out: Path | None
    as_json: bool

    @property
    def brief(self) -> Brief:
        """The image, as an order would describe it; the same seed every time."""
        return Brief(
            avatar_id="trial",
            platform=Platform.INSTAGRAM,
            prompt=self.prompt,
            seed=_SEED,
            lora=LoraRef(key="trial/weights.safetensors"),
        )


def read_wishes(arguments: list[str]) -> Wishes:
    """From the command line, and the link from the environment. Exits with 2 where that is odd."""
    parser = argparse.ArgumentParser(prog="python -m services.generator.trial", description=__doc__)
    parser.add_argument("name", choices=get_args(ProviderName), metavar="NAME")
    parser.add_argument("--prompt", default=_PROMPT)
    parser.add_argument("--out", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if not given.prompt.strip():
        parser.error("argument --prompt: it says nothing")
    if given.out is not None and given.out.exists():
        parser.error("argument --out: name a file that does not exist yet")
    return Wishes(
        cast("ProviderName", given.name), given.prompt, _lora_url(), given.out, given.json
    )


def settings_for(provider: ProviderName) -> ProviderSettings:
    """Its settings, whoever else the environment names. Exits with 2 naming each wrong key."""

    class Alone(ProviderSettings):
        """The chain is this provider and nobody else."""

        def __init__(self) -> None:
            super().__init__(
                ai_image_provider=provider,
                ai_image_provider_fallbacks=(),
                lora_provider=None,
                lora_inference_provider_order=None,
            )

    return load_settings(Alone)


def _lora_url() -> str | None:
    url = os.environ.get(LORA_URL)
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        # Without the text: it may be most of a secret.
        raise fail_misconfigured(LORA_URL, "that is no URL of http or https")
    return url

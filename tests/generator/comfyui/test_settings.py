"""ComfyUI from its settings: what is built, and what stops the service."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from services.generator.adapters.comfyui.provider import ComfyProvider
from services.generator.adapters.price_file import PriceTable
from services.generator.app.comfyui import open_comfyui
from services.generator.app.parts import Built, Parts
from services.generator.settings.comfyui import ComfySettings
from shared.settings import load_settings
from tests.generator.comfyui.atelier import CountedLinks
from tests.generator.fakes import FREE

ENDPOINT = "http://comfyui.example:8188"
PRICES = PriceTable({("comfyui", "", ""): FREE})


async def built(**settings: Any) -> Built:
    fields = {"comfyui_enabled": True, "comfyui_endpoint": ENDPOINT} | settings
    wanted = ComfySettings.model_validate(fields)
    async with AsyncExitStack() as stack:
        return await open_comfyui(wanted, Parts(stack, CountedLinks(), PRICES))


async def test_defaults() -> None:
    comfy = await built()
    limits = comfy.limits
    assert isinstance(comfy.provider, ComfyProvider)
    assert (comfy.provider.name, comfy.provider.call_limit_s) == ("comfyui", 300)
    assert comfy.provider.model == "sd_xl_base_1.0.safetensors"
    assert comfy.provider.keeps_likeness
    assert (limits.concurrency, limits.most_everywhere, limits.is_last) == (10, None, False)
    assert limits.policy.max_retries == 0
    assert not ComfySettings().comfyui_enabled


async def test_without_fallback_it_is_the_last_that_is_asked() -> None:
    assert (await built(comfyui_fallback_on_error=False)).limits.is_last


@pytest.mark.parametrize(
    ("endpoint", "events"),
    [
        ("http://a:8188", "ws://a:8188/ws?clientId=x"),
        ("https://a/comfy/", "wss://a/comfy/ws?clientId=x"),
    ],
)
async def test_events_are_where_the_requests_go(endpoint: str, events: str) -> None:
    provider = (await built(comfyui_endpoint=endpoint)).provider
    assert isinstance(provider, ComfyProvider)
    assert provider.server.events_url("x") == events


async def test_a_workflow_that_cannot_be_used_stops_the_service_naming_key_and_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"7": {"class_type": "X", "inputs": {"a": "{{oops}}"}}}')
    with pytest.raises(SystemExit):
        await built(comfyui_workflow_file=str(path))
    told = capsys.readouterr().err
    assert "COMFYUI_WORKFLOW_FILE" in told
    assert str(path) in told


async def test_an_endpoint_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await built(comfyui_enabled=False, comfyui_endpoint=None)
    assert "COMFYUI_ENDPOINT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("COMFYUI_ENABLED", "true"),
        ("COMFYUI_ENDPOINT", "comfyui"),
        ("COMFYUI_ENDPOINT", "http://user:canary@comfyui"),
        ("COMFYUI_ENDPOINT", "http://comfyui?token=canary"),
        ("COMFYUI_CONCURRENCY", "0"),
        ("COMFYUI_TIMEOUT_SECONDS", "never"),
        ("COMFYUI_CHECKPOINT", ""),
    ],
)
def test_a_wrong_setting_stops_the_service_and_is_named(
    key: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(SystemExit):
        load_settings(ComfySettings)
    told = capsys.readouterr().err
    assert key in told
    assert "canary" not in told

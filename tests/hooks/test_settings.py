"""Who writes follows from the settings, and a wrong one stops the service by its name."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from services.hooks.adapters.price_file import PRICES_FILE, PriceFileError, read_models
from services.hooks.app.models import open_models
from services.hooks.settings import HooksSettings
from shared.settings import load_settings

CANARY = "sk-canary-caption-key"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "HOOK_PROVIDERS"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:1")


@pytest.mark.parametrize(
    ("given", "models"),
    [
        ({}, ()),
        ({"ANTHROPIC_API_KEY": CANARY}, ("anthropic",)),
        ({"OPENAI_API_KEY": CANARY}, ("openai",)),
        ({"OPENAI_API_KEY": CANARY, "ANTHROPIC_API_KEY": CANARY}, ("anthropic", "openai")),
        ({"OPENAI_API_KEY": CANARY, "ANTHROPIC_API_KEY": " "}, ("openai",)),
        ({"OPENAI_API_KEY": CANARY, "HOOK_PROVIDERS": "templates"}, ()),
        ({"OPENAI_API_KEY": CANARY, "HOOK_PROVIDERS": ""}, ()),
        ({"OPENAI_API_KEY": CANARY, "HOOK_PROVIDERS": "openai, templates"}, ("openai",)),
        (
            {
                "OPENAI_API_KEY": CANARY,
                "ANTHROPIC_API_KEY": CANARY,
                "HOOK_PROVIDERS": "openai,anthropic",
            },
            ("openai", "anthropic"),
        ),
    ],
)
def test_whose_models_are_asked(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], models: tuple[str, ...]
) -> None:
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    assert load_settings(HooksSettings).models == models


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"HOOK_PROVIDERS": "anthropic"}, "ANTHROPIC_API_KEY"),
        ({"HOOK_PROVIDERS": "templates,openai"}, "templates are always last"),
        ({"HOOK_PROVIDERS": "openai,openai"}, "twice"),
        ({"HOOK_PROVIDERS": "somebody"}, "HOOK_PROVIDERS"),
        ({"HOOK_LINGER_SECONDS": "3"}, "HOOK_LINGER_SECONDS"),
        ({"HOOK_TIMEOUT_SECONDS": "60"}, "HOOK_TIMEOUT_SECONDS"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, str],
    said: str,
) -> None:
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SystemExit):
        load_settings(HooksSettings)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
async def test_a_model_without_a_price_stops_the_service(
    capsys: pytest.CaptureFixture[str], vendor: str
) -> None:
    settings = HooksSettings.model_validate(
        {f"{vendor}_api_key": CANARY, f"{vendor}_hook_model": "a-new-one"}
    )
    async with AsyncExitStack() as stack:
        with pytest.raises(SystemExit):
            open_models(settings, stack)
    said = capsys.readouterr().err
    assert f"{vendor.upper()}_HOOK_MODEL: no price of a-new-one is known" in said
    assert CANARY not in said


def test_the_models_that_are_asked_by_default_have_prices_with_source_and_day() -> None:
    known, defaults = read_models(), HooksSettings()
    for key in (
        ("anthropic", defaults.anthropic_hook_model),
        ("openai", defaults.openai_hook_model),
    ):
        assert known[key].price.source.startswith("https://")
        assert known[key].price.read.year >= 2026


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"per_million_usd": {"input": "1"}}, r"lacks \['output'\]"),
        ({"per_million_usd": {"input": "-1", "output": "1"}}, "greater than or equal to 0"),
        ({"read": "yesterday"}, r"prices\.0\.read"),
        ({"per_image_usd": "1"}, "per_image_usd"),
    ],
)
def test_a_price_file_at_fault_is_named_with_the_place(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    raw = json.loads(PRICES_FILE.read_text(encoding="utf-8"))
    raw["prices"][0] |= change
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(PriceFileError, match=said):
        read_models(path)


def test_a_price_file_that_is_missing_or_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match="cannot be read"):
        read_models(tmp_path / "none.json")
    (tmp_path / "odd.json").write_text("{")
    with pytest.raises(PriceFileError, match="not JSON"):
        read_models(tmp_path / "odd.json")


def test_prices_are_never_floats(tmp_path: Path) -> None:
    raw = PRICES_FILE.read_text(encoding="utf-8").replace('"0.125"', "0.1")
    path = tmp_path / "prices.json"
    path.write_text(raw)
    price = read_models(path)["anthropic", "claude-haiku-5-5"].price
    assert str(price.per_million_usd["cache_write"]) == "0.1"

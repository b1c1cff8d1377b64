"""Which worker the settings name, how it is asked, and which settings contradict each other."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from pydantic import ValidationError

from services.generator.adapters.modal.provider import ModalProvider
from services.generator.adapters.modal.worker import ModalWorker
from services.generator.adapters.price_file import read_prices
from services.generator.app.modal import open_modal
from services.generator.app.parts import Parts
from services.generator.settings.modal import ModalSettings
from tests.generator.modal.functions import ModalAddress
from tests.generator.modal.orders import Links, made_by
from tests.generator.modal.scripted import accepted, gives, scripted

URL = "https://w.example"
FUNCTION = "app/function"
TOKENS = {"MODAL_TOKEN_ID": "ak-1", "MODAL_TOKEN_SECRET": "as-1"}


@pytest.fixture
async def parts(modal: ModalAddress) -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        yield Parts(stack, Links(), read_prices(None))


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ModalSettings:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    return ModalSettings()


@pytest.mark.parametrize(
    ("environment", "is_configured"),
    [
        ({}, False),
        ({"MODAL_API_TOKEN": "t"}, False),
        ({"MODAL_ENDPOINT_URL": URL}, True),
        ({"MODAL_SDXL_LORA_ENDPOINT_ID": FUNCTION}, True),
        ({"MODAL_SDXL_LORA_ENDPOINT_ID": "fu-01ABC"}, True),
    ],
)
def test_either_a_url_or_a_function_is_a_worker(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_configured: bool
) -> None:
    assert settings(monkeypatch, **environment).modal_is_configured is is_configured


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        (
            {"MODAL_ENDPOINT_URL": URL, "MODAL_SDXL_LORA_ENDPOINT_ID": FUNCTION},
            "MODAL_ENDPOINT_URL and MODAL_SDXL_LORA_ENDPOINT_ID name two workers",
        ),
        ({"MODAL_SDXL_LORA_ENDPOINT_ID": FUNCTION, "MODAL_MODE": "sync"}, "MODAL_MODE is for"),
        ({"MODAL_SDXL_LORA_ENDPOINT_ID": FUNCTION, "MODAL_MODE": "async"}, "MODAL_MODE is for"),
        ({"MODAL_TOKEN_ID": "ak-1"}, "MODAL_TOKEN_ID and MODAL_TOKEN_SECRET go together"),
        ({"MODAL_TOKEN_SECRET": "as-1"}, "MODAL_TOKEN_ID and MODAL_TOKEN_SECRET go together"),
        ({"MODAL_API_TOKEN": "a", "MODAL_API_KEY": "b"}, "MODAL_API_TOKEN and its older name"),
        ({"MODAL_SDXL_LORA_ENDPOINT_ID": "no function"}, "modal_sdxl_lora_endpoint_id"),
        ({"MODAL_SDXL_LORA_ENDPOINT_ID": "app/Class.method"}, "modal_sdxl_lora_endpoint_id"),
        ({"MODAL_MODE": "sometimes"}, "modal_mode"),
        ({"MODAL_POLL_SECONDS": "0"}, "modal_poll_seconds"),
    ],
)
def test_what_contradicts_itself_or_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(monkeypatch, **environment)
    assert named in str(refused.value)


@pytest.mark.parametrize("key", ["MODAL_API_TOKEN", "MODAL_API_KEY"])
def test_the_token_goes_by_either_name(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    token = settings(monkeypatch, **{key: "ak-1"}).modal_token
    assert token is not None
    assert token.get_secret_value() == "ak-1"


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        ({}, ["POST /generate-image"]),
        ({"MODAL_INFERENCE_PATH": "/api/v1/inference"}, ["POST /api/v1/inference"]),
        (
            {"MODAL_MODE": "async"},
            ["POST /generate-image/submit", "GET /generate-image/result/fc-01ABC"],
        ),
    ],
)
async def test_a_worker_with_an_address_is_asked_as_the_settings_say(
    monkeypatch: pytest.MonkeyPatch,
    parts: Parts,
    environment: dict[str, str],
    lines: list[str],
) -> None:
    async with scripted(*([accepted()] if "MODAL_MODE" in environment else []), gives()) as worker:
        environment |= {"MODAL_ENDPOINT_URL": worker.url, "MODAL_API_KEY": "ak-1"}
        built = await open_modal(settings(monkeypatch, **environment), parts)
        made = await made_by(built.provider)
    assert worker.lines == lines
    assert worker.asked[0].headers["authorization"] == "Bearer ak-1"
    assert made.cost_usd_micros == 10_000  # the table's figure


async def test_limits_and_price_are_those_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, parts: Parts
) -> None:
    chosen = settings(
        monkeypatch,
        MODAL_ENDPOINT_URL=URL,
        MODAL_TIMEOUT_SECONDS="30",
        MODAL_CONCURRENCY="5",
        MODAL_MAX_IN_FLIGHT="9",
        MODAL_MAX_RETRIES="1",
        MODAL_COST_USD_PER_IMAGE="0.02",
    )
    built = await open_modal(chosen, parts)
    assert isinstance(built.provider, ModalProvider)
    assert built.provider.call_limit_s == 30
    assert built.provider.price.of_image(1024, 1024) == 20_000
    assert (built.limits.concurrency, built.limits.most_everywhere) == (5, 9)
    assert built.limits.policy.max_retries == 1


async def test_a_function_is_opened_without_asking_anybody(
    monkeypatch: pytest.MonkeyPatch, parts: Parts
) -> None:
    built = await open_modal(
        settings(monkeypatch, MODAL_SDXL_LORA_ENDPOINT_ID=FUNCTION, **TOKENS), parts
    )
    assert type(built.provider) is ModalWorker


async def test_a_function_without_a_token_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    # Empty, so that nobody's own `~/.modal.toml` counts.
    none = dict.fromkeys(TOKENS, "")
    with pytest.raises(SystemExit) as left:
        await open_modal(settings(monkeypatch, MODAL_SDXL_LORA_ENDPOINT_ID=FUNCTION, **none), parts)
    assert left.value.code == 2
    assert "MODAL_TOKEN_ID" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["modal", "grpclib"])
async def test_a_function_without_the_sdk_is_refused_by_key_and_extra(
    monkeypatch: pytest.MonkeyPatch,
    parts: Parts,
    capsys: pytest.CaptureFixture[str],
    missing: str,
) -> None:
    for name in ("app.modal_function", "adapters.modal.function", "adapters.modal.client"):
        monkeypatch.delitem(sys.modules, f"services.generator.{name}", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "grpclib":
        monkeypatch.delitem(sys.modules, "grpclib.exceptions", raising=False)
    with pytest.raises(SystemExit) as left:
        await open_modal(
            settings(monkeypatch, MODAL_SDXL_LORA_ENDPOINT_ID=FUNCTION, **TOKENS), parts
        )
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert "MODAL_SDXL_LORA_ENDPOINT_ID" in told
    assert "atelier[generator-modal]" in told


def test_who_calls_no_function_needs_no_sdk() -> None:
    program = (
        "import sys; import services.generator.app; "
        "raise SystemExit(bool({'modal', 'grpclib', 'google.protobuf'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

"""What is read from the environment, and what stops the process with the name of the key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.generator.settings.worker import WorkerSettings

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WorkerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_nothing_needs_to_be_set() -> None:
    settings = WorkerSettings()
    assert settings.sdxl_model == "stabilityai/stable-diffusion-xl-base-1.0"
    assert (settings.worker_host, settings.worker_port) == ("127.0.0.1", 8090)
    assert not settings.is_open_to_anybody
    assert settings.sdxl_sizes_to_compile == ()


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDXL_LORA_HOSTS", "loras.example.com, *.r2.cloudflarestorage.com")
    monkeypatch.setenv("SDXL_COMPILE", "true")
    monkeypatch.setenv("SDXL_COMPILE_SIZES", "1024x1024,832x1216")
    settings = WorkerSettings()
    assert settings.sdxl_lora_hosts == ("loras.example.com", "*.r2.cloudflarestorage.com")
    assert settings.sdxl_sizes_to_compile == ((1024, 1024), (832, 1216))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SDXL_MODEL", ""),
        ("SDXL_DEVICE", "gpu"),
        ("SDXL_DTYPE", "int8"),
        ("SDXL_SLOTS", "0"),
        ("SDXL_MAX_RANK", "48"),
        ("SDXL_LARGER_RANK", "ignore"),
        ("SDXL_MAX_BATCH", "0"),
        ("SDXL_QUEUE_LENGTH", "0"),
        ("SDXL_COMPILE_SIZES", "1024"),
        ("SDXL_COMPILE_SIZES", "1020x1024"),
        ("SDXL_COMPILE_SIZES", "256x1024"),
        ("SDXL_LORA_HOSTS", "https://loras.example.com"),
        ("SDXL_LORA_HOSTS", "*"),
        ("SDXL_LORA_HOSTS", "loras.example.com:8080"),
        ("SDXL_TORCH_THREADS", "0"),
        ("WORKER_PORT", "65536"),
        ("WORKER_API_TOKEN", "canary"),
        ("WORKER_GRACE_SECONDS", "-1"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        WorkerSettings()
    (error,) = caught.value.errors(include_input=False)
    assert str(error["loc"][0]).upper() == name
    assert "canary" not in str(caught.value)


def test_halves_are_not_for_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDXL_DEVICE", "cpu")
    monkeypatch.setenv("SDXL_DTYPE", "float16")
    with pytest.raises(ValidationError, match="SDXL_DTYPE"):
        WorkerSettings()


@pytest.mark.parametrize(
    ("host", "token", "is_open"),
    [
        ("0.0.0.0", None, True),
        ("0.0.0.0", "a-token-of-sixteen", False),
        ("127.0.0.1", None, False),
    ],
)
def test_a_door_without_a_lock_is_known(host: str, token: str | None, is_open: bool) -> None:
    settings = WorkerSettings(worker_host=host, worker_api_token=token)
    assert settings.is_open_to_anybody is is_open


def test_a_wrong_setting_stops_the_process_before_it_listens() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.generator.worker"],
        env={"PATH": os.environ["PATH"], "WORKER_API_TOKEN": "canary", "SDXL_SLOTS": "0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "configuration error: SDXL_SLOTS" in done.stderr
    assert "configuration error: WORKER_API_TOKEN" in done.stderr
    assert "canary" not in done.stdout + done.stderr

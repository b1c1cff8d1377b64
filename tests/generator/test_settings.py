"""Who is asked, read from the settings: old names, defaults, and what cannot be meant."""

import pytest
from pydantic import ValidationError

from services.generator.domain.strategy import Strategy
from services.generator.settings import ProviderSettings

MODAL = {"MODAL_ENDPOINT_URL": "https://worker.example"}
COMFYUI = {"COMFYUI_ENABLED": "true", "COMFYUI_ENDPOINT": "http://127.0.0.1:8188"}
REPLICATE = {"REPLICATE_API_TOKEN": "canary"}
OPENAI = {"OPENAI_API_KEY": "canary"}
SDXL = {"SDXL_LOCAL_ENABLED": "true"}
ALL = MODAL | COMFYUI | REPLICATE | OPENAI


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ProviderSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ProviderSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ProviderSettings()


@pytest.mark.parametrize(
    ("environment", "chain"),
    [
        (MODAL, ("modal_sdxl_lora",)),
        (COMFYUI | REPLICATE, ("comfyui", "replicate")),
        (ALL, ("modal_sdxl_lora", "comfyui", "replicate")),
        # A device of one's own comes first: it is paid for, whether it is used or not.
        (ALL | SDXL, ("sdxl_local", "modal_sdxl_lora", "comfyui", "replicate")),
        (SDXL, ("sdxl_local",)),
        (ALL | {"ENABLE_REPLICATE_FALLBACK": "false"}, ("modal_sdxl_lora", "comfyui")),
        (
            ALL | {"AI_IMAGE_PROVIDER": "comfyui"},
            ("comfyui", "modal_sdxl_lora", "replicate"),
        ),
        (
            ALL | {"AI_IMAGE_PROVIDER": "comfyui", "AI_IMAGE_PROVIDER_FALLBACKS": ""},
            ("comfyui",),
        ),
        (
            ALL
            | {"AI_IMAGE_PROVIDER": "replicate", "AI_IMAGE_PROVIDER_FALLBACKS": "openai_images"},
            ("replicate", "openai_images"),
        ),
        (ALL | {"LORA_PROVIDER": "replicate", "AI_IMAGE_PROVIDER_FALLBACKS": ""}, ("replicate",)),
        (
            ALL | {"LORA_INFERENCE_PROVIDER_ORDER": "replicate, comfyui,replicate"},
            ("replicate", "comfyui"),
        ),
        (
            ALL
            | {"LORA_INFERENCE_PROVIDER_ORDER": "replicate,comfyui", "LORA_PROVIDER": "replicate"},
            ("replicate", "comfyui"),
        ),
        # A drawing that fails is no reason to spend money.
        (ALL | {"AI_IMAGE_PROVIDER": "preview"}, ("preview",)),
    ],
)
def test_the_chain(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], chain: tuple[str, ...]
) -> None:
    assert settings(monkeypatch, **environment).chain == chain


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, "AI_IMAGE_PROVIDER"),
        # Safety's key: nobody asked for images.
        (OPENAI, "AI_IMAGE_PROVIDER"),
        ({"AI_IMAGE_PROVIDER": "modal_sdxl_lora"}, "MODAL_ENDPOINT_URL"),
        ({"AI_IMAGE_PROVIDER": "sdxl_local"}, "SDXL_LOCAL_ENABLED"),
        ({"AI_IMAGE_PROVIDER": "comfyui"}, "COMFYUI_ENABLED"),
        ({"COMFYUI_ENABLED": "true"}, "COMFYUI_ENDPOINT"),
        ({"AI_IMAGE_PROVIDER": "replicate"}, "REPLICATE_API_TOKEN"),
        ({"AI_IMAGE_PROVIDER": "openai_images"}, "OPENAI_API_KEY"),
        (ALL | {"AI_IMAGE_PROVIDER": "comfyui", "LORA_PROVIDER": "replicate"}, "LORA_PROVIDER"),
        (
            ALL | {"AI_IMAGE_PROVIDER": "comfyui", "LORA_INFERENCE_PROVIDER_ORDER": "replicate"},
            "LORA_INFERENCE_PROVIDER_ORDER",
        ),
        (
            ALL
            | {
                "LORA_INFERENCE_PROVIDER_ORDER": "replicate,comfyui",
                "AI_IMAGE_PROVIDER_FALLBACKS": "modal_sdxl_lora",
            },
            "AI_IMAGE_PROVIDER_FALLBACKS",
        ),
        (
            ALL
            | {"ENABLE_REPLICATE_FALLBACK": "false", "AI_IMAGE_PROVIDER_FALLBACKS": "replicate"},
            "ENABLE_REPLICATE_FALLBACK",
        ),
        (MODAL | {"MODAL_API_TOKEN": "one", "MODAL_API_KEY": "another"}, "MODAL_API_KEY"),
        (MODAL | {"MODAL_CONCURRENCY": "6"}, "modal_concurrency"),
        (MODAL | {"AI_IMAGE_PROVIDER": "dall-e"}, "ai_image_provider"),
        (MODAL | {"PROVIDER_STRATEGY": "random"}, "provider_strategy"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_named(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], names: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(monkeypatch, **environment)
    assert names in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "permits"),
    [
        (MODAL, 2),
        (SDXL | {"SDXL_MAX_BATCH": "6"}, 12),
        (SDXL | {"SDXL_LOCAL_CONCURRENCY": "5"}, 5),
        (SDXL | {"GENERATOR_CONCURRENCY": "1"}, 1),
    ],
)
def test_a_device_of_ones_own_has_its_batches_filled_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], permits: int
) -> None:
    assert settings(monkeypatch, **environment).bulk_permits == permits


def test_both_names_of_the_token_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    token = settings(monkeypatch, **MODAL, MODAL_API_KEY="old").modal_token
    assert token is not None
    assert token.get_secret_value() == "old"


def test_strategies_have_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, **MODAL, PROVIDER_STRATEGY="cost-optimized")
    assert found.provider_strategy is Strategy.COST_OPTIMIZED

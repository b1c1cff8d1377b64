"""The settings of `openai_images`, and what is built of them."""

import pytest
from pydantic import ValidationError

from services.generator.app.openai_images import open_openai_images
from services.generator.app.parts import Parts
from services.generator.settings.openai_images import OpenAIImagesSettings
from services.safety.settings import SafetySettings
from tests.generator.openai_images.conftest import KEY


def settings(**given: object) -> OpenAIImagesSettings:
    return OpenAIImagesSettings.model_validate({"openai_api_key": KEY, **given})


@pytest.mark.parametrize(
    "given",
    [
        {"openai_image_quality": "auto"},
        {"openai_image_model": "gpt image"},
        {"openai_image_moderation": "off"},
        {"openai_base_url": "api.openai.com"},
        {"openai_image_timeout_seconds": 0},
        {"openai_image_concurrency": 0},
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as wrong:
        settings(**given)
    (key,) = given
    assert [fault["loc"][0] for fault in wrong.value.errors()] == [key]


def test_the_key_does_not_show() -> None:
    assert "canary" not in repr(settings())


def test_the_address_is_the_same_as_the_judges() -> None:
    judges = SafetySettings.model_fields["openai_base_url"]
    assert OpenAIImagesSettings.model_fields["openai_base_url"].default == judges.default


@pytest.mark.parametrize("key", ["", None])
def test_an_empty_key_is_none(key: str | None) -> None:
    assert settings().openai_images_has_key
    assert not settings(openai_api_key=key).openai_images_has_key


async def test_what_is_built_keeps_to_the_settings(parts: Parts) -> None:
    built = await open_openai_images(
        settings(
            openai_image_model="gpt-image-2.5-sunburst-2026-09-08",
            openai_image_quality="max",
            openai_image_timeout_seconds=240,
            openai_image_concurrency=4,
            openai_image_max_in_flight=8,
        ),
        parts,
    )
    assert (built.limits.concurrency, built.limits.most_everywhere) == (4, 8)
    assert built.provider.call_limit_s == 240
    assert built.provider.model == "gpt-image-2.5-sunburst-2026-09-08"
    assert built.provider.price.of_image(1024, 1024) == 210_720


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"openai_image_model": "gpt-image-1"}, "OPENAI_IMAGE_MODEL"),
        ({"openai_image_model": "gpt-image-2", "openai_image_quality": "max"},
         "OPENAI_IMAGE_MODEL"),
        ({"openai_api_key": ""}, "OPENAI_API_KEY"),
    ],
)  # fmt: skip
async def test_what_is_missing_is_named_and_the_service_ends(
    parts: Parts, capsys: pytest.CaptureFixture[str], given: dict[str, object], key: str
) -> None:
    with pytest.raises(SystemExit):
        await open_openai_images(settings(**given), parts)
    assert key in capsys.readouterr().err

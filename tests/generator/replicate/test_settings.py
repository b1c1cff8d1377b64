"""The settings of `replicate`, and what is built of them."""

import pytest
from pydantic import ValidationError

from services.generator.app.parts import Parts
from services.generator.app.replicate import open_replicate
from services.generator.settings.replicate import ReplicateSettings
from tests.generator.replicate.tokens import TOKEN


def settings(**given: object) -> ReplicateSettings:
    return ReplicateSettings.model_validate({"replicate_api_token": TOKEN, **given})


@pytest.mark.parametrize(
    ("given", "is_configured"),
    [
        ({}, True),
        ({"enable_replicate_fallback": False}, False),
        ({"replicate_api_token": ""}, False),
        ({"replicate_api_token": None}, False),
    ],
)
def test_it_is_a_fallback_wherever_it_has_a_token_unless_that_is_turned_off(
    given: dict[str, object], is_configured: bool
) -> None:
    assert settings(**given).replicate_is_configured is is_configured


@pytest.mark.parametrize(
    "given",
    [
        {"replicate_model": "flux"},
        {"replicate_model": "a/b:latest"},
        {"replicate_model": "a/../b"},
        {"replicate_model": "a/.."},
        {"replicate_base_url": "ftp://api.replicate.com"},
        {"replicate_base_url": "https://user@api.replicate.com"},
        {"replicate_concurrency": 21},
        {"replicate_timeout_seconds": 1},
        {"replicate_poll_seconds": 0},
        {"replicate_output_hosts": ""},
        {"replicate_output_hosts": "https://replicate.delivery"},
        {"replicate_output_hosts": "10.0.0.1"},
        {"replicate_output_hosts": "localhost"},
        {"replicate_output_hosts": "*.delivery"},
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as wrong:
        settings(**given)
    (key,) = given
    assert [fault["loc"][0] for fault in wrong.value.errors()] == [key]


def test_the_token_does_not_show() -> None:
    assert "canary" not in repr(settings())


async def test_what_is_built_keeps_to_the_settings(parts: Parts) -> None:
    built = await open_replicate(
        settings(
            replicate_concurrency=7,
            replicate_max_in_flight=9,
            replicate_max_retries=2,
            replicate_timeout_seconds=45,
            replicate_model="black-forest-labs/flux-schnell",
        ),
        parts,
    )
    assert (built.limits.concurrency, built.limits.most_everywhere) == (7, 9)
    assert (built.limits.policy.max_retries, built.limits.policy.backoff_base_s) == (2, 2.0)
    assert built.provider.call_limit_s == 45
    assert built.provider.model == "black-forest-labs/flux-schnell"
    assert built.provider.price.of_image(1024, 1024) == 3_000


@pytest.mark.parametrize("model", ["somebody/else", "black-forest-labs/flux-1.1-pro"])
async def test_a_price_of_ones_own_counts_for_any_model(parts: Parts, model: str) -> None:
    built = await open_replicate(
        settings(replicate_model=model, replicate_cost_usd_per_image="0.07"), parts
    )
    assert built.provider.price.of_image(1024, 1024) == 70_000


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"replicate_model": "somebody/else"}, "REPLICATE_COST_USD_PER_IMAGE"),
        ({"replicate_api_token": ""}, "REPLICATE_API_TOKEN"),
    ],
)
async def test_what_is_missing_is_named_and_the_service_ends(
    parts: Parts, capsys: pytest.CaptureFixture[str], given: dict[str, object], key: str
) -> None:
    with pytest.raises(SystemExit):
        await open_replicate(settings(**given), parts)
    assert key in capsys.readouterr().err

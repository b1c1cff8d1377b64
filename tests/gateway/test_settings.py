"""Settings of the gateway."""

from decimal import Decimal
from typing import Any

import pytest

from services.gateway.domain.estimates import RATES, estimate
from services.gateway.settings import GatewaySettings


def settings(**given: Any) -> GatewaySettings:
    known = {
        "nats_url": "nats://127.0.0.1:4222",
        "objects_dir": "/objects",
        "link_signing_key": "ab" * 32,
    }
    return GatewaySettings.model_validate(known | given)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"gateway_port": 9000}, "http://127.0.0.1:9000"),
        ({"gateway_host": "0.0.0.0"}, "http://127.0.0.1:8080"),
        ({"gateway_host": "::"}, "http://[::1]:8080"),
        ({"public_base_url": "https://a.example/door/"}, "https://a.example/door"),
    ],
)
def test_clients_find_the_gateway_where_it_listens_unless_told_otherwise(
    given: dict[str, object], url: str
) -> None:
    assert settings(**given).base_url == url
    assert settings(**given).objects_url == f"{url}/objects"


def test_open_objects_may_be_read_elsewhere() -> None:
    cdn = settings(objects_base_url="https://cdn.example/")
    assert cdn.objects_url == "https://cdn.example"
    assert cdn.base_url == "http://127.0.0.1:8080"
    assert settings(r2_public_url="https://r2.example").objects_url == "https://r2.example"


def test_estimates_follow_the_provider_unless_set() -> None:
    assert settings(ai_image_provider="preview").rate == RATES["preview"]
    assert settings().rate == settings(ai_image_provider="unheard-of").rate
    own = settings(estimate_seconds_per_piece="0", estimate_usd_per_piece="0.025").rate
    assert (own.seconds, own.usd) == (Decimal(0), Decimal("0.025"))


def test_an_estimate_rounds_time_up_and_never_money() -> None:
    expected = estimate(7, RATES["modal_sdxl_lora"])
    assert (expected.minutes, expected.usd) == (Decimal("0.7"), Decimal("0.07"))
    assert estimate(1, RATES["modal_sdxl_lora"]).minutes == Decimal("0.1")


def test_every_setting_is_explained_by_an_example() -> None:
    for name, field in GatewaySettings.model_fields.items():
        assert field.description, name
        assert field.examples, name

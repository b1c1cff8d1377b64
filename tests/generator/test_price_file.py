"""The table of what providers charge: what is in it, and what cannot be read."""

import json
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from services.generator.adapters.price_file import (
    PRICES_FILE,
    PriceFileError,
    PriceTable,
    PriceUnknown,
    read_prices,
)

SINCE_2_5 = ("low", "medium", "high", "xhigh", "max")
UNTIL_2 = SINCE_2_5[:3]
ENTRY = {"provider": "x", "source": "a test", "read": "2026-11-21", "per_image_usd": "0.01"}


@pytest.fixture(scope="module")
def table() -> PriceTable:
    return read_prices()


@pytest.mark.parametrize(
    ("provider", "model", "micros"),
    [
        ("preview", "", 0),
        ("comfyui", "", 0),
        ("modal_sdxl_lora", "", 10_000),
        ("replicate", "black-forest-labs/flux-1.1-pro", 40_000),
        ("replicate", "black-forest-labs/flux-dev", 25_000),
        ("replicate", "black-forest-labs/flux-schnell", 3_000),
    ],
)
def test_what_an_image_costs(table: PriceTable, provider: str, model: str, micros: int) -> None:
    assert table.price(provider, model).of_image(1024, 1024) == micros


@pytest.mark.parametrize(
    ("model", "quality", "square", "portrait"),
    [
        ("gpt-image-1-mini", "low", 5_000, 6_000),
        ("gpt-image-1.5", "high", 133_000, 200_000),
        ("gpt-image-2", "medium", 53_000, 41_000),
        ("gpt-image-2.5-flare", "medium", 13_170, 10_290),
        ("gpt-image-2.5-sunburst", "max", 210_720, 164_640),
        ("gpt-image-2.6-flare", "low", 5_880, 4_740),
    ],
)
def test_openai_charges_by_model_quality_and_size(
    table: PriceTable, model: str, quality: str, square: int, portrait: int
) -> None:
    price = table.price("openai_images", model, quality)
    assert (price.of_image(1024, 1024), price.of_image(1024, 1536)) == (square, portrait)


def test_every_quality_that_a_model_has_is_priced(table: PriceTable) -> None:
    newer = [f"gpt-image-{n}-{kind}" for n, kind in product(("2.5", "2.6"), ("flare", "sunburst"))]
    older = ["gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2"]
    for model, quality in [*product(newer, SINCE_2_5), *product(older, UNTIL_2)]:
        price = table.price("openai_images", model, quality)
        assert price.of_image(816, 816) > 0
        # A million of each kind: to the cent, as the vendor lists them.
        assert price.of_tokens({"image_output": 10**6}) in {8_000_000, 30_000_000, 32_000_000}
        assert price.of_tokens({"text_input": 10**6}) in {2_000_000, 5_000_000}


def test_a_better_image_costs_more(table: PriceTable) -> None:
    for model, qualities in (("gpt-image-2", UNTIL_2), ("gpt-image-2.5-flare", SINCE_2_5)):
        prices = [
            table.price("openai_images", model, quality).of_image(1024, 1024)
            for quality in qualities
        ]
        assert prices == sorted(prices)


@pytest.mark.parametrize(
    ("model", "quality"),
    [("gpt-image-1", "medium"), ("gpt-image-2", "max"), ("gpt-image-2", ""), ("dall-e-3", "")],
)
def test_what_is_no_longer_or_never_was_sold_has_no_price(
    table: PriceTable, model: str, quality: str
) -> None:
    with pytest.raises(PriceUnknown):
        table.price("openai_images", model, quality)


def test_a_model_of_replicate_that_is_not_in_the_table_has_no_price(table: PriceTable) -> None:
    with pytest.raises(PriceUnknown):
        table.price("replicate", "somebody/else")


def test_every_price_says_where_and_when_it_was_read(table: PriceTable) -> None:
    for price in table.entries.values():
        assert price.source
        assert date(2026, 11, 1) <= price.read <= date(2027, 12, 31)
    for (provider, _, _), price in table.entries.items():
        if provider in {"replicate", "openai_images"}:
            assert "https://" in price.source


def test_no_price_is_a_float_and_none_is_given_twice() -> None:
    entries = json.loads(PRICES_FILE.read_text(), parse_float=_refuse)["prices"]
    names = [(one["provider"], one.get("model"), one.get("quality")) for one in entries]
    assert len(names) == len(set(names))


def _refuse(number: str) -> object:
    raise AssertionError(f"{number} is not written as a text")


@pytest.mark.parametrize(
    "wrong",
    [
        "not JSON",
        {"format": 2, "prices": []},
        {"format": 1, "prices": [ENTRY | {"per_image_usd": "-1"}]},
        {"format": 1, "prices": [ENTRY | {"per_image_usd": "cheap"}]},
        {"format": 1, "prices": [ENTRY | {"by_size_usd": {"big": "1"}}]},
        {"format": 1, "prices": [ENTRY | {"pre_image_usd": "1"}]},
        {"format": 1, "prices": [{key: ENTRY[key] for key in ("provider", "source", "read")}]},
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, wrong: object) -> None:
    path = tmp_path / "prices.json"
    path.write_text(wrong if isinstance(wrong, str) else json.dumps(wrong))
    with pytest.raises(PriceFileError, match=r"prices\.json"):
        read_prices(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"none\.json"):
        read_prices(tmp_path / "none.json")


def test_an_entry_without_a_quality_counts_for_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"format": 1, "prices": [ENTRY, ENTRY | {"model": "m"}]}))
    table = read_prices(path)
    assert table.price("x", "m", "high") is table.price("x", "m")
    assert table.price("x", "other") is table.price("x")

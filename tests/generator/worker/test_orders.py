"""Every field of an order: what it may be, what it is when left out, how it is refused."""

from typing import Any

import pytest

from services.generator.sdxl.wishes import LoraWish, Wish
from services.generator.worker.orders import MAX_PROMPT, order_of, read_order
from services.generator.worker.refusals import Refusal
from tests.generator.worker.served import LINK


def refused(**fields: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        order_of({"prompt": "a lake"} | fields)
    assert "canary" not in f"{caught.value.body} {caught.getrepr(style='native')}"
    return caught.value


def test_a_prompt_is_enough() -> None:
    assert order_of({"prompt": "a lake"}).wish == Wish(
        prompt="a lake",
        negative_prompt="",
        width=1024,
        height=1024,
        steps=28,
        cfg=5.5,
        seed=None,
        lora=None,
        limit_s=60,
    )


def test_every_field_reaches_the_engine() -> None:
    told = {
        "prompt": "a lake",
        "negative_prompt": "boats",
        "lora_url": LINK,
        "lora_scale": 0.5,
        "width": 512,
        "height": 1536,
        "steps": 20,
        "cfg": 7,
        "seed": 2**32 - 1,
        "timeout": 300,
    }
    assert order_of(told).wish == Wish(
        prompt="a lake",
        negative_prompt="boats",
        lora=LoraWish(LINK, 0.5),
        width=512,
        height=1536,
        steps=20,
        cfg=7,
        seed=2**32 - 1,
        limit_s=300,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "x" * MAX_PROMPT),
        ("negative_prompt", "x" * MAX_PROMPT),
        ("lora_url", None),
        ("lora_url", "http://127.0.0.1:8080/a.safetensors"),
        ("lora_scale", 0),
        ("lora_scale", 1),
        ("width", 512),
        ("width", 1536),
        ("height", 520),
        ("steps", 20),
        ("steps", 50),
        ("cfg", 1),
        ("cfg", 20.0),
        ("seed", None),
        ("seed", 0),
        ("timeout", 1),
        ("timeout", 300),
    ],
)
def test_the_bounds_themselves_are_within(field: str, value: object) -> None:
    assert getattr(order_of({"prompt": "a lake"} | {field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", None),
        ("prompt", 7),
        ("negative_prompt", None),
        ("lora_url", "file:///canary"),
        ("lora_url", "https://"),
        ("lora_url", "https://a b/canary"),
        ("lora_url", "https://a/" + "canary" * 2000),
        ("lora_scale", -0.01),
        ("lora_scale", 1.01),
        ("lora_scale", "0.5"),
        ("lora_scale", float("nan")),
        ("lora_scale", None),
        ("lora_scale", True),
        ("width", 504),
        ("width", 1544),
        ("width", 1020),
        ("width", 1024.5),
        ("width", "1024"),
        ("height", 504),
        ("height", 1544),
        ("height", 1023),
        ("steps", 19),
        ("steps", 51),
        ("cfg", 0.99),
        ("cfg", 20.01),
        ("cfg", float("inf")),
        ("seed", -1),
        ("seed", 2**32),
        ("seed", 1.5),
        ("timeout", 0),
        ("timeout", 301),
        ("timeout", True),
        ("canary", 1),
    ],
)
def test_a_bad_field_is_named_and_not_quoted(field: str, value: object) -> None:
    with pytest.raises(Refusal) as caught:
        order_of({"prompt": "a lake"} | {field: value})
    told = caught.value.body
    assert (caught.value.status, told["error_code"]) == (422, "INVALID_REQUEST")
    assert [fault["field"] for fault in told["details"]["fields"]] == [field]
    assert "canary" not in str(told).replace("'canary'", "").replace("canary: ", "")


def test_a_link_that_is_refused_shows_nowhere() -> None:
    refused(lora_url=f"ftp:{LINK}")
    refused(lora_url=LINK, steps=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": ""},
        {"prompt": " \n\t"},
        {"prompt": "x" * (MAX_PROMPT + 1)},
        {"negative_prompt": "x" * (MAX_PROMPT + 1)},
    ],
)
def test_a_prompt_that_is_no_good_is_invalid(fields: dict[str, str]) -> None:
    refusal = refused(**fields)
    assert (refusal.status, refusal.code) == (422, "INVALID_PROMPT")


def test_an_empty_prompt_is_refused_in_our_own_words() -> None:
    assert refused(prompt=" ").error == "prompt: says nothing"


def test_a_prompt_is_blamed_only_where_nothing_else_is_wrong() -> None:
    refusal = refused(prompt="", steps=1)
    assert refusal.code == "INVALID_REQUEST"
    assert [each["field"] for each in refusal.fields] == ["prompt", "steps"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "json_invalid"),
        (b"{canary", "json_invalid"),
        (b'{"prompt": "a", "prompt": "canary"}', "duplicate_member"),
        (b'{"prompt": "a\\u0000canary"}', "control_character"),
        (b"\xff", "json_invalid"),
        (b"[" * 100, "json_invalid"),
    ],
)
def test_what_is_no_json_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_order(body)
    assert (caught.value.status, caught.value.code) == (422, "INVALID_REQUEST")
    assert caught.value.fields[0]["problem"] == problem
    assert "canary" not in str(caught.value.body)


@pytest.mark.parametrize("told", [b"[]", b"null", b'"canary"', b"7"])
def test_an_order_is_an_object(told: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_order(told)
    assert caught.value.fields[0]["field"] == "body"
    assert "canary" not in str(caught.value.body)

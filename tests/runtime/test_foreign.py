"""Messages of other systems: three forms, one meaning, and a reason for all that is neither."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.content import Asker
from shared.foreign import read_handover, read_request
from shared.outcomes import BadInput
from shared.wire import MAX_BODY_BYTES
from tests.runtime.fakes import HandedOut

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOKENS = ("studio", "order-17")
ORDER = {"avatar_id": "ada", "num_pieces": 3}
REQUESTED = "atelier.task.requested.v1"
ATTRIBUTES = {"specversion": "1.0", "id": "17", "source": "/planner", "type": REQUESTED}
BINARY = {f"ce-{name}": value for name, value in ATTRIBUTES.items()}
STRUCTURED = {"content-type": "application/cloudevents+json"}


def message(body: Any, headers: dict[str, str] | None = None) -> HandedOut:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HandedOut("task.requested.studio.order-17", raw, headers or {}, 9, stored_at=AT)


def enveloped(data: Any, **attributes: Any) -> dict[str, Any]:
    return ATTRIBUTES | attributes | {"data": data}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"order": ORDER}, BINARY),
        ({"order": ORDER}, {name.upper(): value for name, value in BINARY.items()}),
        ({"order": ORDER}, {**BINARY, "content-type": "application/json; charset=utf-8"}),
        ({"order": ORDER}, {**BINARY, "ce-source": "%2Fplanner", "ce-traceid": "ignored"}),
        (enveloped({"order": ORDER}), STRUCTURED),
        (enveloped({"order": ORDER}, traceid=[1]), STRUCTURED),
        (
            enveloped({"order": ORDER}, datacontenttype="application/json"),
            {"Content-Type": "Application/CloudEvents+JSON; charset=UTF-8"},
        ),
    ],
    ids=["binary", "upper-case", "typed", "encoded", "structured", "extended", "with-charset"],
)
def test_both_modes_of_cloudevents_say_the_same(body: Any, headers: dict[str, str]) -> None:
    request = read_request(message(body, headers), TOKENS)
    assert request.asker == Asker(source="/planner", id="17")
    assert (request.tenant, request.request_id) == TOKENS
    assert (request.kind, request.order) == ("batch", ORDER)
    assert (request.request_sequence, request.received_at) == (9, AT)


def test_plain_json_needs_no_headers() -> None:
    body = {"tenant": "studio", "idempotency_key": "k", "kind": "single", "order": ORDER}
    request = read_request(message(body), TOKENS)
    assert request.asker == Asker(idempotency_key="k")
    assert request.kind == "single"


def test_a_sender_cannot_say_when_or_where_its_message_was_stored() -> None:
    body = {"order": ORDER, "received_at": "2020-01-01T00:00:00Z", "request_sequence": 1}
    request = read_request(message(body), TOKENS)
    assert (request.request_sequence, request.received_at) == (9, AT)


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b" " * (MAX_BODY_BYTES + 1), {}, "too_large"),
        (b"", {}, "invalid_json"),
        (b"{not json", BINARY, "invalid_json"),
        (b'{"order": {}, "order": {}}', BINARY, "invalid_json"),
        (b'{"order": {"seed": NaN}}', BINARY, "invalid_json"),
        (b'{"order": {"custom_prompt": "\\ud800"}}', BINARY, "invalid_json"),
        (b'{"order":' + b"[" * 40 + b"]" * 40 + b"}", BINARY, "invalid_json"),
        (b"{not json", STRUCTURED, "invalid_json"),
        ({"order": ORDER}, BINARY | {"ce-type": "atelier.task.requested.v2"}, "unknown_type"),
        ({"order": ORDER}, BINARY | {"ce-type": "atelier.avatar.ready.v1"}, "unknown_type"),
        (enveloped({"order": ORDER}, type="order.made"), STRUCTURED, "unknown_type"),
        ({"order": ORDER}, BINARY | {"ce-specversion": "0.3"}, "not_cloudevents"),
        ({"order": ORDER}, BINARY | {"ce-id": ""}, "not_cloudevents"),
        ({"order": ORDER}, BINARY | {"ce-id": "i" * 101}, "not_cloudevents"),
        ({"order": ORDER}, BINARY | {"ce-id": "%ff"}, "not_cloudevents"),
        ({"order": ORDER}, BINARY | {"ce-id": "a%0Ab"}, "not_cloudevents"),
        ({"order": ORDER}, BINARY | {"ce-source": "two words"}, "not_cloudevents"),
        ({"order": ORDER}, BINARY | {"Ce-Id": "18"}, "not_cloudevents"),
        ({"order": ORDER}, {"content-type": "application/cloudevents+avro"}, "not_cloudevents"),
        ([], {"content-type": "application/cloudevents-batch+json"}, "not_cloudevents"),
        (ATTRIBUTES, STRUCTURED, "not_cloudevents"),
        ([ATTRIBUTES], STRUCTURED, "not_cloudevents"),
        (enveloped({"order": ORDER}, id=17), STRUCTURED, "not_cloudevents"),
        (enveloped({"order": ORDER}, specversion="2.0"), STRUCTURED, "not_cloudevents"),
        ({"data": {"order": ORDER}}, STRUCTURED, "not_cloudevents"),
        ({}, BINARY, "invalid_body"),
        ([], BINARY, "invalid_body"),
        (None, BINARY, "invalid_body"),
        ({"order": [ORDER]}, BINARY, "invalid_body"),
        ({"order": ORDER, "kind": "video"}, BINARY, "invalid_body"),
        ({"order": ORDER, "idempotency_key": 17}, BINARY, "invalid_body"),
        (enveloped(None), STRUCTURED, "invalid_body"),
        ({"order": ORDER, "tenant": "another"}, BINARY, "subject_mismatch"),
    ],
)
def test_what_cannot_be_read_has_a_reason(body: Any, headers: dict[str, str], reason: str) -> None:
    with pytest.raises(BadInput) as bad:
        read_request(message(body, headers), TOKENS)
    assert bad.value.reason == reason
    assert bad.value.detail


@pytest.mark.parametrize(
    "tokens",
    [("studio",), ("studio", "a", "b"), ("studio", ""), ("stüdio", "a"), ("studio", "a" * 65)],
)
def test_a_subject_of_another_shape_is_refused(tokens: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="subject_mismatch"):
        read_request(message({"order": ORDER}, BINARY), tokens)


def test_a_refusal_never_quotes_what_was_sent() -> None:
    with pytest.raises(BadInput) as bad:
        read_request(message({"order": ORDER, "kind": "hunter2"}, BINARY), TOKENS)
    assert bad.value.detail.startswith("kind: ")
    assert "hunter2" not in bad.value.detail


@pytest.mark.parametrize("name", ["lora_weights_url", "r2_path"])
def test_weights_are_named_by_either_name(name: str) -> None:
    body = {name: "loras/ada/v2.safetensors", "lora_scale": 1, "epochs": 12}
    handover = read_handover(message(body), ("studio", "ada"))
    assert getattr(handover, name) == "loras/ada/v2.safetensors"
    assert (handover.tenant, handover.avatar_id) == ("studio", "ada")
    assert (handover.lora_scale, handover.received_at) == (1.0, AT)


KEY = {"lora_weights_url": "loras/a.safetensors"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "invalid_body"),
        (KEY | {"r2_path": "loras/a.safetensors"}, "invalid_body"),
        ({"lora_weights_url": "https://bucket.example/a.safetensors"}, "invalid_body"),
        ({"r2_path": "loras/a.safetensors?X-Amz-Signature=1"}, "invalid_body"),
        ({"r2_path": "../a.safetensors"}, "invalid_body"),
        (KEY | {"lora_scale": "0.5"}, "invalid_body"),
        (KEY | {"lora_scale": 1.5}, "invalid_body"),
        (KEY | {"trigger_word": "a, b"}, "invalid_body"),
        (KEY | {"avatar_id": "grace"}, "subject_mismatch"),
        (KEY | {"tenant": "another"}, "subject_mismatch"),
    ],
)
def test_a_handover_that_cannot_be_used_has_a_reason(body: Any, reason: str) -> None:
    with pytest.raises(BadInput) as bad:
        read_handover(message(body), ("studio", "ada"))
    assert bad.value.reason == reason
    assert "Signature" not in bad.value.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
KNOWN = st.sampled_from(["tenant", "order", "kind", "idempotency_key", "avatar_id", "r2_path"])
BODIES = st.one_of(
    st.binary(),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(KNOWN, JSON).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from([*ATTRIBUTES, "data"]), JSON).map(
        lambda value: json.dumps(ATTRIBUTES | value).encode()
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from([*BINARY, "Ce-Id", "CE-TYPE", "Content-Type", "content-type"]) | st.text(),
    st.sampled_from([*ATTRIBUTES.values(), *STRUCTURED.values()]) | st.text(),
)


@given(BODIES, HEADERS, st.lists(st.text(), max_size=4).map(tuple) | st.just(TOKENS))
def test_nothing_but_bad_input_is_raised(
    body: bytes, headers: dict[str, str], tokens: tuple[str, ...]
) -> None:
    for read in (read_request, read_handover):
        with suppress(BadInput):
            assert read(message(body, headers), tokens).tenant == tokens[0]

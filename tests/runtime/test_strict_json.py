"""JSON that two readers could understand differently is refused, with a code and a place."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.strict_json import MAX_DEPTH, StrictJsonError, parse

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_plain_json_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text().map(str.encode) | VALUES.map(lambda v: json.dumps(v).encode()[1:]))
def test_nothing_but_a_refusal_is_raised(text: bytes) -> None:
    with suppress(StrictJsonError):
        assert parse(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (b"", "json_invalid", ""),
        (b"{not json", "json_invalid", ""),
        (b"\xff\xfe", "json_invalid", ""),
        (b"\xef\xbb\xbf{}", "json_invalid", ""),
        (b"[1, NaN]", "json_invalid", ""),
        (b"-Infinity", "json_invalid", ""),
        (b"[1e999]", "json_invalid", ""),
        (b"9" * 5000, "json_invalid", ""),
        (b'{"a": {"b": 1, "b": 1}}', "duplicate_member", "a.b"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_member", "a"),
        (b'{"a": [0, "\\ud800"]}', "lone_surrogate", "a.1"),
        (b'{"a": {"\\udfff": 1}}', "lone_surrogate", "a"),
        (b'{"a": "\\u0000"}', "control_character", "a"),
        (b'{"a": "\\u001b[31m"}', "control_character", "a"),
        (b'{"a": "\\u0085"}', "control_character", "a"),
        (b'"\\u007f"', "control_character", ""),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too_deep", ".".join("0" * MAX_DEPTH)),
        (b"[" * 200_000, "too_deep", ""),
        (b'{"a":' * 200_000, "too_deep", ""),
    ],
)
def test_what_is_doubtful_is_refused(text: bytes, code: str, place: str) -> None:
    with pytest.raises(StrictJsonError) as refused:
        parse(text)
    assert (refused.value.code, refused.value.place) == (code, place)


def test_as_deep_as_allowed_is_read() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_tabs_line_ends_and_characters_beyond_the_first_plane_are_text() -> None:
    assert parse(b'"\\ta\\r\\n\\ud83d\\ude00"') == "\ta\r\n\N{GRINNING FACE}"


def test_a_refusal_never_quotes_a_value() -> None:
    with pytest.raises(StrictJsonError) as refused:
        parse(b'{"token": "hunter2\\u0000"}')
    assert "hunter2" not in f"{refused.value!r} {refused.value} {refused.value.place}"

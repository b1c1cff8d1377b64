"""The header of a file: strict about every byte, whoever wrote it."""

import contextlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.sdxl.loras.reading.limits import ReadLimits
from services.generator.sdxl.wishes import FailureCode, NoPicture
from tests.generator.sdxl.loras.bits import (
    KOHYA_Q,
    PEFT_Q,
    TARGETS,
    as_file,
    kohya_pair,
    pair,
    raw_file,
    read,
    tensor,
)

A, B = f"{PEFT_Q}.lora_A.weight", f"{PEFT_Q}.lora_B.weight"


def zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({}))
    return archive.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(), "zip archive"),
        (pickle.dumps({"weight": [1.0] * 40}), "pickle, which can run code"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "error message"),
        (b'{"error": "expired"}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS"),
        (b"", "something else"),
        (b"\0" * 100, "something else"),
    ],
)
def test_names_what_is_no_safetensors(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(NoPicture, match=said) as caught:
        read(tmp_path, content)
    assert caught.value.code is FailureCode.LORA_LOAD_FAILED
    assert "only safetensors" in caught.value.detail


@pytest.mark.parametrize(
    ("header", "data", "said"),
    [
        (b"{", b"", "not JSON"),
        (b'{"a": 1, "a": 2}', b"", "twice"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", b"", "deeper"),
        ({}, b"", "no tensors"),
        ({"__metadata__": {"a": 1}}, b"", "metadata is not texts"),
        ({A: 1}, b"", "not described"),
        ({A: tensor(0, 4, [1]) | {"more": 1}}, b"1234", "not described"),
        ({A: tensor(0, 8, [1], "F64")}, b"12345678", "stored as `F64`"),
        ({A: tensor(0, 2, [2], "F8_E4M3")}, b"12", "stored as `F8_E4M3`"),
        ({A: tensor(0, 16, [2, 1], "I64")}, b"1" * 16, "stored as `I64`"),
        ({A: tensor(0, 0, [0, 4])}, b"", "is empty"),
        ({A: tensor(0, 4, [-1])}, b"1234", "no proper numbers"),
        ({A: tensor(0, 4, [True])}, b"1234", "no proper numbers"),
        ({A: tensor(0, 4, [1]) | {"shape": [1.0]}}, b"1234", "no proper numbers"),
        ({A: tensor(0, 4, [1] * 6)}, b"1234", "impossible shape"),
        ({A: tensor(0, 4, [2**63, 2])}, b"1234", "impossible shape"),
        ({A: tensor(0, 4, [2])}, b"1234", "not the bytes of its shape"),
        ({A: tensor(8, 4, [1])}, b"12345678", "not the bytes of its shape"),
        ({A: tensor(0, 4, [1]), B: tensor(0, 4, [1])}, b"1234", "overlaps"),
        ({A: tensor(0, 4, [1]), B: tensor(8, 12, [1])}, b"1" * 12, "gap"),
        ({A: tensor(4, 8, [1])}, b"1" * 8, "gap"),
        ({A: tensor(0, 4, [1])}, b"123", "cut off"),
        ({A: tensor(0, 4, [1])}, b"12345", "1 bytes behind"),
    ],
)
def test_refuses_what_a_header_must_not_say(
    tmp_path: Path, header: Any, data: bytes, said: str
) -> None:
    with pytest.raises(NoPicture, match=said):
        read(tmp_path, raw_file(header, data))


def test_refuses_what_is_too_large_before_it_is_read(tmp_path: Path) -> None:
    content = as_file(pair())
    with pytest.raises(NoPicture, match="header is longer"):
        read(tmp_path, content, limits=ReadLimits(header_bytes=20))
    with pytest.raises(NoPicture, match="file is larger"):
        read(tmp_path, content, limits=ReadLimits(file_bytes=len(content) - 1))
    endless = (2**63).to_bytes(8, "little") + content[8:]
    with pytest.raises(NoPicture, match="header is longer"):
        read(tmp_path, endless)


def test_a_header_that_is_cut_is_called_cut(tmp_path: Path) -> None:
    with pytest.raises(NoPicture, match="ends within its header"):
        read(tmp_path, as_file(pair())[:90])


def test_a_hostile_name_is_shown_harmless(tmp_path: Path) -> None:
    name = "`\x1b[31m\u202e" + "x" * 500
    with pytest.raises(NoPicture) as caught:
        read(tmp_path, raw_file({name.replace("\x1b", ""): tensor(0, 4, [1])}, b"1234"))
    assert caught.value.detail.isascii()
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) < 250


SAMPLE = as_file(
    kohya_pair(KOHYA_Q) | pair(f"text_encoder_2.{next(iter(TARGETS.text_encoders[1]))}", (5, 5))
)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=4
    ),
    st.integers(0, len(SAMPLE)),
)
def test_mutated_bytes_give_finite_weights_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(SAMPLE)
    for place, value in changes:
        content[place] = value
    directory = tmp_path_factory.getbasetemp()
    whole = bytes(content if cut % 2 else content[:cut])
    with contextlib.suppress(NoPicture):
        weights = read(directory, whole)
        for change in (*weights.unet.values(), *weights.text_encoders[1].values()):
            assert torch.isfinite(change.up).all()
            assert torch.isfinite(change.down).all()


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(["__metadata__", A, B, "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["dtype", "shape", "data_offsets"]), inner, max_size=3
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_whatever_json_a_header_is_it_is_refused(
    tmp_path_factory: pytest.TempPathFactory, header: dict[str, Any]
) -> None:
    with pytest.raises(NoPicture):
        read(tmp_path_factory.getbasetemp(), raw_file(header, b"12345678"))

"""Prompts: encoded once, remembered, and a LoRA is for its own prompt."""

from collections.abc import Iterator

import pytest
import torch

from services.generator.sdxl.device import CpuDevice
from services.generator.sdxl.encoding import Encoder, text_lora
from services.generator.sdxl.wishes import NoPicture
from tests.generator.sdxl.engines import TARGETS
from tests.generator.sdxl.tiny import lora_weights, tiny_components


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    with torch.inference_mode():
        yield Encoder(tiny_components(), CpuDevice(), rank=4, remembered=3)


def test_a_text_is_encoded_once(encoder: Encoder) -> None:
    first = encoder.encode("one", "bad", guided=True, lora=None)
    again = encoder.encode("two", "bad", guided=True, lora=None)
    assert (encoder.encoded, encoder.remembered) == (3, 1)
    assert torch.equal(first.tokens[0], again.tokens[0])
    assert not torch.equal(first.tokens[1], again.tokens[1])


def test_the_latest_are_remembered(encoder: Encoder) -> None:
    for text in ("one", "two", "three", "one", "four", "one", "two"):
        encoder.encode(text, "", guided=False, lora=None)
    # "two" was the least recently used when "four" came.
    assert encoder.encoded == 5


def test_no_negative_prompt_is_zeros(encoder: Encoder) -> None:
    encoded = encoder.encode("one", "", guided=True, lora=None)
    assert not encoded.tokens[0].any()
    assert not encoded.pooled[0].any()
    assert encoded.tokens[1].any()


def test_without_guidance_there_is_one_row(encoder: Encoder) -> None:
    assert len(encoder.encode("one", "bad", guided=False, lora=None).tokens) == 1


def test_a_lora_changes_its_own_prompt_at_its_own_strength(encoder: Encoder) -> None:
    weights = lora_weights(1, targets=TARGETS)
    encodings = [
        encoder.encode("one", "", guided=False, lora=text_lora(weights, scale))
        for scale in (0.3, 1.0)
    ]
    plain = encoder.encode("one", "", guided=False, lora=None)
    assert encoder.remembered == 0
    tokens = [one.tokens for one in [*encodings, plain]]
    assert not torch.allclose(tokens[0], tokens[1], atol=1e-2)
    assert not torch.allclose(tokens[0], tokens[2], atol=1e-2)


def test_after_a_lora_the_encoders_are_as_before() -> None:
    with torch.inference_mode():
        used, fresh = (
            Encoder(tiny_components(), CpuDevice(), rank=4, remembered=1) for _ in range(2)
        )
        used.encode("one", "", guided=False, lora=text_lora(lora_weights(1, targets=TARGETS), 1.0))
        with pytest.raises(NoPicture):
            used.encode(
                "one",
                "",
                guided=False,
                lora=text_lora(lora_weights(2, rank=5, targets=TARGETS), 1.0),
            )
        after = used.encode("two", "", guided=False, lora=None)
        expected = fresh.encode("two", "", guided=False, lora=None)
    assert torch.equal(after.tokens, expected.tokens)
    assert torch.equal(after.pooled, expected.pooled)


def test_weights_for_the_unet_alone_are_none_for_the_encoders() -> None:
    assert text_lora(lora_weights(1, text_encoders=False, targets=TARGETS), 1.0) is None
    assert text_lora(None, 1.0) is None

"""Linears with seats: peft's own numbers, side by side in one batch, and nothing left behind."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model_state_dict

from services.generator.sdxl.bank import EMPTY, Bank, Occupant
from services.generator.sdxl.weights import LowRank
from services.generator.sdxl.wishes import FailureCode, NoPicture
from tests.generator.sdxl.engines import TARGETS, spoilt
from tests.generator.sdxl.tiny import lora_weights, tiny_components

RANK = 4
Predict = Callable[[torch.Tensor], torch.Tensor]


@pytest.fixture(scope="module")
def base() -> Any:
    return tiny_components().unet


@pytest.fixture
def unet(base: Any) -> Any:
    return copy.deepcopy(base)


def predictor(unet: Any) -> Predict:
    """The UNet as a function of its rows; all else about a row follows from its number."""

    def predict(rows: torch.Tensor) -> torch.Tensor:
        text = torch.linspace(-1, 1, 77 * 20).view(1, 77, 20).expand(len(rows), -1, -1)
        also = {
            "text_embeds": torch.linspace(-1, 1, 12).expand(len(rows), -1),
            "time_ids": torch.full((len(rows), 6), 64.0),
        }
        with torch.no_grad():
            out: torch.Tensor = unet(
                rows, 500.0, encoder_hidden_states=text, added_cond_kwargs=also
            ).sample
        return out

    return predict


def rows_of(samples: int) -> torch.Tensor:
    return torch.randn(2 * samples, 4, 8, 8, generator=torch.Generator().manual_seed(samples))


def filled(unet: Any, *pairs: Mapping[str, LowRank], seats: int = 4) -> Bank:
    bank = Bank(unet, rank=RANK, slots=max(len(pairs), 1), seats=seats)
    for number, some in enumerate(pairs, start=1):
        bank.layout.pack(some, bank.slots[number])
    return bank


def pairs_of_peft(unet: Any, scaling: float) -> dict[str, LowRank]:
    state = get_peft_model_state_dict(unet, adapter_name="default")
    return {
        name.removesuffix(".lora_A.weight"): LowRank(
            down=down, up=state[name.replace("lora_A", "lora_B")] * scaling
        )
        for name, down in state.items()
        if "lora_A" in name
    }


@pytest.mark.parametrize("alpha", [RANK, 2 * RANK])
def test_adds_what_peft_adds(unet: Any, base: Any, alpha: int) -> None:
    theirs = copy.deepcopy(base)
    torch.manual_seed(5)
    theirs.add_adapter(
        LoraConfig(
            r=RANK,
            lora_alpha=alpha,
            init_lora_weights=False,
            target_modules=["to_q", "to_k", "to_v", "to_out.0", "proj_in", "ff.net.0.proj"],
        )
    )
    bank = filled(unet, pairs_of_peft(theirs, alpha / RANK))
    bank.sit([Occupant("a", 1, 1.0)])
    rows = rows_of(1)
    expected, plain = predictor(theirs)(rows), predictor(base)(rows)
    torch.testing.assert_close(predictor(unet)(rows), expected, rtol=1e-4, atol=1e-5)
    assert (expected - plain).abs().max() > 0.01, "the LoRA has to be seen"


def test_every_sample_of_a_batch_has_its_own_lora_at_its_own_strength(unet: Any) -> None:
    first, second = (lora_weights(seed, targets=TARGETS).unet for seed in (1, 2))
    bank = filled(unet, first, second)
    predict, rows = predictor(unet), rows_of(4)
    occupants = [
        Occupant("a", 1, 1.0),
        EMPTY,
        Occupant("b", 2, 0.5),
        Occupant("a", 1, 0.25),
    ]
    bank.sit(occupants)
    together = predict(rows)
    for number, occupant in enumerate(occupants):
        own = slice(2 * number, 2 * number + 2)
        bank.sit([occupant])
        torch.testing.assert_close(together[own], predict(rows[own]), rtol=1e-4, atol=1e-5)
    parts = together.view(4, 2, *together.shape[1:])
    assert all((parts[0] - other).abs().max() > 0.01 for other in parts[1:])


def test_the_switch_changes_no_bit_of_a_batch_without_loras(unet: Any, base: Any) -> None:
    bank = filled(unet, lora_weights(1, targets=TARGETS).unet)
    predict, rows = predictor(unet), rows_of(3)
    bank.sit([EMPTY] * 3)
    off = predict(rows)
    # Slot 0, and yet the switch is on.
    bank.sit([Occupant("nobody", 0, 0.0)] * 3)
    assert torch.equal(predict(rows), off)
    assert torch.equal(off, predictor(base)(rows))


def test_a_neighbour_with_a_lora_changes_no_bit(unet: Any) -> None:
    bank = filled(unet, lora_weights(1, targets=TARGETS).unet)
    predict, rows = predictor(unet), rows_of(2)
    bank.sit([EMPTY, EMPTY])
    alone = predict(rows)
    bank.sit([EMPTY, Occupant("a", 1, 1.0)])
    beside = predict(rows)
    assert torch.equal(alone[:2], beside[:2])
    assert not torch.equal(alone[2:], beside[2:])


def test_base_weights_are_shared_and_never_written(base: Any) -> None:
    unet = copy.deepcopy(base)
    linear = unet.time_embedding.linear_1
    bank = filled(unet, lora_weights(1, targets=TARGETS).unet)
    for occupants in ([Occupant("a", 1, 1.0)], [EMPTY], [Occupant("a", 1, 0.3)] * 4):
        bank.sit(occupants)
        predictor(unet)(rows_of(len(occupants)))
    assert unet.time_embedding.linear_1.weight is linear.weight
    before = base.state_dict()
    after = unet.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_another_lora_in_the_same_slot_leaves_nothing_of_the_first(unet: Any, base: Any) -> None:
    wide = lora_weights(1, rank=RANK, targets=TARGETS).unet
    path = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    narrow = {path: lora_weights(2, rank=1, targets=TARGETS).unet[path]}
    bank = filled(unet, wide)
    bank.sit([Occupant("wide", 1, 1.0)])
    bank.layout.pack(narrow, bank.slots[1])
    bank.sit([Occupant("narrow", 1, 1.0)])
    fresh = copy.deepcopy(base)
    filled(fresh, narrow).sit([Occupant("narrow", 1, 1.0)])
    rows = rows_of(1)
    assert torch.equal(predictor(unet)(rows), predictor(fresh)(rows))


def test_another_strength_on_the_same_seat_counts(unet: Any) -> None:
    bank = filled(unet, lora_weights(1, targets=TARGETS).unet)
    rows, predict = rows_of(1), predictor(unet)
    drawn = []
    for scale in (1.0, 0.5, 1.0):
        bank.sit([Occupant("a", 1, scale)])
        drawn.append(predict(rows))
    assert (drawn[0] - drawn[1]).abs().max() > 0.01
    assert torch.equal(drawn[0], drawn[2])


def test_who_keeps_a_seat_is_not_copied_again(unet: Any) -> None:
    bank = filled(unet, lora_weights(1, targets=TARGETS).unet)
    bank.sit([Occupant("a", 1, 1.0)])
    rows, predict = rows_of(1), predictor(unet)
    before = predict(rows)
    bank.slots[1].zero_()
    bank.sit([Occupant("a", 1, 1.0)])
    assert torch.equal(predict(rows), before)


def _shape(pairs: dict[str, LowRank]) -> dict[str, LowRank]:
    path, pair = next(iter(pairs.items()))
    return {path: LowRank(pair.down[:, :-1], pair.up)}


MISFITS: Sequence[tuple[str, Callable[[dict[str, LowRank]], dict[str, LowRank]]]] = [
    ("no linear", lambda pairs: {"somewhere.else": next(iter(pairs.values()))}),
    ("do not fit", _shape),
    ("rank 5", lambda _: dict(lora_weights(1, rank=5, targets=TARGETS).unet)),
    ("not finite", lambda _: dict(spoilt(lora_weights(1, targets=TARGETS), float("nan")).unet)),
    ("not finite", lambda _: dict(spoilt(lora_weights(1, targets=TARGETS), float("inf")).unet)),
]


@pytest.mark.parametrize(("reason", "spoil"), MISFITS)
def test_refuses_what_does_not_fit(
    unet: Any, reason: str, spoil: Callable[[dict[str, LowRank]], dict[str, LowRank]]
) -> None:
    bank = filled(unet)
    with pytest.raises(NoPicture, match=reason) as refusal:
        bank.layout.pack(spoil(dict(lora_weights(1, targets=TARGETS).unet)), bank.slots[1])
    assert refusal.value.code is FailureCode.LORA_LOAD_FAILED


def test_refuses_what_overflows_in_the_models_number_format() -> None:
    bank = filled(tiny_components(dtype=torch.float16).unet)
    huge = spoilt(lora_weights(1, targets=TARGETS), 1e6).unet
    with pytest.raises(NoPicture, match="too large"):
        bank.layout.pack(huge, bank.slots[1])

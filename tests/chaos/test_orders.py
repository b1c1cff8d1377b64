"""The plan of orders: every piece has a name that its prompt carries and moderation lets pass."""

import json

import pytest

from services.safety.app import open_screen
from services.safety.handler.screening import ScreenText
from shared.calls import ScreenTexts, TextToScreen
from shared.content import Tier
from tests.chaos.orders import MOST_PIECES, every_label, label, label_in, plan


def test_every_piece_has_a_name_of_its_own() -> None:
    assert len({label(number) for number in range(MOST_PIECES)}) == MOST_PIECES
    assert set(every_label()) == {label(number) for number in range(MOST_PIECES)}
    with pytest.raises(ValueError, match="names for"):
        label(MOST_PIECES)


@pytest.mark.parametrize("seed", range(10))
def test_a_plan_orders_each_piece_once_and_is_the_same_for_a_seed(seed: int) -> None:
    orders = plan(seed, pieces=2000, duration_s=400)
    labels = [name for order in orders for name in order.labels]
    assert len(labels) == len(set(labels)) == 2000
    assert orders == plan(seed, pieces=2000, duration_s=400)
    assert len({order.key for order in orders}) == len(orders)
    assert [order.at_s for order in orders] == sorted(order.at_s for order in orders)
    assert max(order.at_s for order in orders) <= 400


def test_a_plan_has_orders_of_every_sort() -> None:
    orders = plan(4, pieces=2000, duration_s=400)
    assert {order.twins for order in orders} == {1, 2, 3}
    assert any(order.again_after_s is not None for order in orders)
    assert any(order.waited_for for order in orders)
    assert len(plan(4, pieces=60, duration_s=10)) >= 10


def test_an_order_is_the_same_bytes_every_time() -> None:
    (order,) = plan(1, pieces=1, duration_s=1)
    assert order.body("ada") == order.body("ada")
    assert json.loads(order.body("ada"))["num_pieces"] == 1


def test_a_name_is_found_in_the_prompt_that_it_became_part_of() -> None:
    order = plan(2, pieces=40, duration_s=1)[0]
    prompts = json.loads(order.body("ada"))["custom_prompts"]
    found = [label_in(f"trigger, portrait of a woman, {prompt}, sharp focus") for prompt in prompts]
    assert tuple(found) == order.labels
    assert label_in("a room without furniture") is None
    assert label_in("standing beside the sea") is None


async def test_the_words_of_the_names_pass_the_real_text_screen() -> None:
    screen = ScreenText(open_screen())
    prompts = [f"standing beside the {name}" for name in list(every_label())[::97]]
    for begin in range(0, len(prompts), 20):
        texts = tuple(
            TextToScreen(text=prompt, tier=Tier.CAPA3) for prompt in prompts[begin : begin + 20]
        )
        screened = await screen(ScreenTexts(tenant="default", texts=texts))
        assert not screened.findings

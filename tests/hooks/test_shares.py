"""What a call cost is shared to the last micro-dollar, and not by favour."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.hooks.domain.prices import TokenPrice, Usage
from services.hooks.domain.shares import shares
from services.hooks.handler.bill import bill

weights = st.lists(st.integers(0, 10_000), min_size=1, max_size=16)
tokens = st.integers(0, 50_000)
usages = st.builds(Usage, tokens, tokens, tokens, tokens)
usd = st.decimals(0, 100, places=4)
prices = st.builds(
    lambda given, back: TokenPrice("", date(2026, 1, 1), {"input": given, "output": back}), usd, usd
)


@given(st.integers(0, 10**12), weights)
def test_parts_add_up_and_none_is_a_whole_unit_off_its_due(total: int, given: list[int]) -> None:
    parts = shares(total, given)
    assert sum(parts) == total
    fair = given if any(given) else [1] * len(given)
    for part, weight in zip(parts, fair, strict=True):
        assert abs(part - Fraction(total * weight, sum(fair))) < 1


def test_what_is_left_goes_to_whom_the_most_was_cut_off() -> None:
    assert shares(10, [1, 1, 1]) == (4, 3, 3)
    assert shares(100, [1, 2, 4]) == (14, 29, 57)


@given(usages, prices, st.lists(st.integers(0, 3000), min_size=1, max_size=16))
def test_a_bill_adds_up_to_what_the_vendor_counted_and_charges(
    usage: Usage, price: TokenPrice, chars: list[int]
) -> None:
    parts = bill(usage, price, chars)
    assert sum(part.input_tokens for part in parts) == usage.all_input
    assert sum(part.output_tokens for part in parts) == usage.output
    assert sum(part.cost_usd_micros for part in parts) == price.of(usage)


def test_who_got_more_bears_more_of_it() -> None:
    price = TokenPrice("", date(2026, 1, 1), {"input": Decimal(1), "output": Decimal(5)})
    long, short, none = bill(Usage(input=300, output=400), price, [900, 300, 0])
    assert (long.output_tokens, short.output_tokens, none.output_tokens) == (300, 100, 0)
    assert (long.cost_usd_micros, short.cost_usd_micros, none.cost_usd_micros) == (1600, 600, 100)


def test_a_price_is_exact_and_rounded_up_once() -> None:
    price = TokenPrice(
        "",
        date(2026, 1, 1),
        {"input": Decimal("0.10"), "cached_input": Decimal("0.01"), "output": Decimal("0.50")},
    )
    assert price.of(Usage(input=1000, output=2000)) == 1100
    assert price.of(Usage(input=1, cached_input=100)) == 2
    # Whoever names no price for a kind is not believed to give it away.
    assert price.of(Usage(cache_write=10)) == 1

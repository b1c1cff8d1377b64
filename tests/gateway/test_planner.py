"""The planner keeps its promises for any order, any library and any batch id."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.planner import (
    MAX_PIECES,
    PlanError,
    PlannedPiece,
    TierRatios,
    apportion,
    plan_batch,
)
from services.gateway.domain.templates import Framing, Niche, Scene, Template
from shared.content import Platform, Tier


def template(
    name: str,
    tier: Tier = Tier.CAPA1,
    niche: Niche = Niche.FITNESS,
    platforms: frozenset[Platform] | None = None,
) -> Template:
    return Template(
        id=name,
        version=1,
        category="any",
        tier=tier,
        niches=frozenset({niche}),
        title=name,
        prompt=f"as in {name}",
        negative_prompt="blur",
        scene=Scene.STUDIO,
        framing=Framing.HALF,
        width=1024,
        height=1024,
        platforms=platforms,
    )


def library(per_tier: int = 6, niche: Niche = Niche.FITNESS) -> list[Template]:
    return [template(f"{tier}-{nth}", tier, niche) for tier in Tier for nth in range(per_tier)]


def plan(
    num_pieces: int = 10,
    batch_id: str = "batch",
    ratios: TierRatios | None = None,
    templates: list[Template] | None = None,
    niche: str | None = None,
    platform: Platform = Platform.INSTAGRAM,
    custom_prompts: tuple[str, ...] = (),
    custom_tiers: tuple[Tier, ...] = (),
) -> tuple[PlannedPiece, ...]:
    return plan_batch(
        batch_id=batch_id,
        num_pieces=num_pieces,
        ratios=ratios or TierRatios(),
        templates=library() if templates is None else templates,
        niche=niche,
        platform=platform,
        custom_prompts=custom_prompts,
        custom_tiers=custom_tiers,
    )


def ids(pieces: tuple[PlannedPiece, ...], tier: Tier | None = None) -> list[str]:
    return [p.template.id for p in pieces if p.template and tier in {None, p.tier}]


@st.composite
def tier_ratios(draw: st.DrawFn) -> TierRatios:
    """Any ratios that an order may carry, sums off by up to the tolerance included."""
    cuts = sorted(draw(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000))))
    drift = draw(st.integers(-10, 10))
    parts = [cuts[0], cuts[1] - cuts[0], 10_000 - cuts[1]]
    largest = parts.index(max(parts))
    parts[largest] = min(10_000, parts[largest] + drift)
    return TierRatios(*(part / 10_000 for part in parts))


def only_tiers_of(templates: list[Template]) -> TierRatios:
    tier = templates[0].tier
    return TierRatios(**{each.value: float(each is tier) for each in Tier})


batch_ids = st.text(min_size=1, max_size=40)
libraries = st.lists(
    st.tuples(st.sampled_from(Tier), st.sampled_from(Niche)), min_size=1, max_size=25
).map(lambda kinds: [template(f"t{nth}", *kind) for nth, kind in enumerate(kinds)])


def test_fifty_pieces_at_the_default_ratios_are_thirty_fifteen_and_five() -> None:
    assert Counter(piece.tier for piece in plan(50)) == {
        Tier.CAPA1: 30,
        Tier.CAPA2: 15,
        Tier.CAPA3: 5,
    }


@given(st.integers(0, MAX_PIECES), tier_ratios())
def test_counts_add_up_and_stay_within_one_of_their_ratio(count: int, ratios: TierRatios) -> None:
    counts = apportion(count, ratios)
    assert sum(counts.values()) == count
    for tier, placed in counts.items():
        assert abs(placed - count * ratios.exact(tier)) < 1


@given(st.integers(1, MAX_PIECES), tier_ratios())
def test_a_tier_that_was_not_ordered_gets_nothing(count: int, ratios: TierRatios) -> None:
    counts = apportion(count, ratios)
    assert not any(placed for tier, placed in counts.items() if ratios.exact(tier) == 0)


def test_equal_remainders_go_to_the_more_public_tier() -> None:
    assert [piece.tier for piece in plan(1, ratios=TierRatios(0, 0.5, 0.5))] == [Tier.CAPA2]


@given(st.integers(1, MAX_PIECES), batch_ids)
def test_pieces_are_numbered_and_their_seeds_are_distinct_32_bit_numbers(
    num_pieces: int, batch_id: str
) -> None:
    pieces = plan(num_pieces, batch_id)
    assert [piece.index for piece in pieces] == list(range(num_pieces))
    assert len({piece.seed for piece in pieces}) == num_pieces
    assert all(0 <= piece.seed < 2**32 for piece in pieces)


@given(st.integers(1, 80), batch_ids, libraries, st.sampled_from([None, "fitness", "art"]))
def test_the_same_order_gives_the_same_plan_whatever_the_file_order(
    num_pieces: int, batch_id: str, templates: list[Template], niche: str | None
) -> None:
    ratios = only_tiers_of(templates)
    first = plan(num_pieces, batch_id, ratios, templates, niche)
    assert first == plan(num_pieces, batch_id, ratios, templates[::-1], niche)


def test_a_plan_never_changes_between_releases() -> None:
    """Pinned: a task that is planned again after an upgrade must come out the same."""
    pieces = plan(4, "6a0f", TierRatios(0.5, 0.25, 0.25), library(3))
    assert [(piece.template and piece.template.id, piece.seed) for piece in pieces] == [
        ("capa1-2", 1544892142),
        ("capa2-2", 4199327903),
        ("capa3-2", 2558796368),
        ("capa1-0", 918264833),
    ]


def test_different_batches_use_different_orders() -> None:
    orders = {tuple(ids(plan(30, f"batch-{nth}", templates=library(20)))) for nth in range(20)}
    assert len(orders) == 20


@given(st.integers(1, 120), batch_ids, libraries, st.sampled_from(Platform))
def test_no_template_comes_twice_before_all_suitable_ones_were_used(
    num_pieces: int, batch_id: str, templates: list[Template], platform: Platform
) -> None:
    templates = [
        replace(t, platforms=frozenset({Platform.YOUTUBE})) if nth % 3 else t
        for nth, t in enumerate(templates)
    ]
    tier = templates[0].tier
    suitable = {t.id for t in templates if t.suits(tier, platform)}
    used = ids(plan(num_pieces, batch_id, only_tiers_of(templates), templates, None, platform))
    assert set(used) <= suitable
    for start in range(0, len(used), len(suitable)):
        one_round = used[start : start + len(suitable)]
        assert len(set(one_round)) == len(one_round)


@given(st.integers(1, 60), batch_ids, libraries, st.sampled_from(Niche))
def test_the_niche_comes_first_in_every_tier(
    num_pieces: int, batch_id: str, templates: list[Template], niche: Niche
) -> None:
    suitable = [t for t in templates if t.tier is templates[0].tier]
    own = sum(t.speaks_to(niche) for t in suitable)
    pieces = plan(num_pieces, batch_id, only_tiers_of(templates), templates, niche)
    for piece in pieces:
        assert piece.template
        place_in_round = piece.index % len(suitable)
        assert piece.template.speaks_to(niche) == (place_in_round < own)


def test_a_niche_is_recognised_in_the_owners_own_words() -> None:
    templates = [template("art", niche=Niche.ART), template("fit", niche=Niche.FITNESS)]
    chosen = plan(
        1, ratios=TierRatios(1, 0, 0), templates=templates, niche="Fitness & Health Coach"
    )
    assert ids(chosen) == ["fit"]


def test_a_batch_that_is_cut_short_still_has_its_mix() -> None:
    first_half = Counter(piece.tier for piece in plan(50)[:25])
    assert first_half[Tier.CAPA1] == 15
    assert first_half[Tier.CAPA2] in {7, 8}
    assert first_half[Tier.CAPA3] in {2, 3}


def test_custom_prompts_come_first_default_to_capa1_and_use_no_template() -> None:
    pieces = plan(12, custom_prompts=("on a swing", "in the rain"), custom_tiers=(Tier.CAPA3,))
    assert [(p.text, p.tier, p.is_custom) for p in pieces[:2]] == [
        ("on a swing", Tier.CAPA3, True),
        ("in the rain", Tier.CAPA1, True),
    ]
    assert Counter(p.tier for p in pieces[2:]) == {Tier.CAPA1: 6, Tier.CAPA2: 3, Tier.CAPA3: 1}
    assert not any(p.is_custom for p in pieces[2:])


def test_an_order_of_custom_prompts_alone_needs_no_templates() -> None:
    assert len(plan(2, templates=[], custom_prompts=("one", "two"))) == 2


def test_a_template_piece_carries_its_templates_prompt() -> None:
    assert all(piece.text == f"as in {piece.template.id}" for piece in plan() if piece.template)


@pytest.mark.parametrize(
    "ratios",
    [(0.1, 0.2, 0.7), (1 / 3, 1 / 3, 1 / 3), (0.999, 0, 0), (0.6, 0.3, 0.101), (1, 0, 0)],
)
def test_ratios_that_sum_to_one_within_a_thousandth_are_accepted(
    ratios: tuple[float, float, float],
) -> None:
    assert len(plan(50, ratios=TierRatios(*ratios))) == 50


@pytest.mark.parametrize("ratios", [(0.6, 0.3, 0.0), (0.6, 0.3, 0.1011), (0, 0, 0), (1, 1, 1)])
def test_ratios_that_do_not_sum_to_one_are_refused(ratios: tuple[float, float, float]) -> None:
    with pytest.raises(PlanError, match="make them sum to 1") as refused:
        TierRatios(*ratios)
    assert (refused.value.code, refused.value.field) == (
        "ratios_do_not_sum_to_one",
        "tier_distribution",
    )


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_ratio_outside_zero_to_one_is_refused_by_name(ratio: float) -> None:
    with pytest.raises(PlanError) as refused:
        TierRatios(0.5, ratio, 0.5)
    assert (refused.value.code, refused.value.field) == (
        "ratio_out_of_range",
        "tier_distribution.capa2_ratio",
    )


def test_a_tier_without_a_template_is_refused_unless_it_is_not_ordered() -> None:
    templates = [t for t in library() if t.tier is not Tier.CAPA3]
    with pytest.raises(PlanError, match="no capa3 template suits instagram") as refused:
        plan(50, templates=templates)
    assert (refused.value.code, refused.value.field) == (
        "no_template",
        "tier_distribution.capa3_ratio",
    )
    assert len(plan(50, ratios=TierRatios(0.7, 0.3, 0), templates=templates)) == 50


@pytest.mark.parametrize(
    ("order", "code", "field"),
    [
        ({"num_pieces": 0}, "num_pieces_out_of_range", "num_pieces"),
        ({"num_pieces": 501}, "num_pieces_out_of_range", "num_pieces"),
        (
            {"num_pieces": 1, "custom_prompts": ("a", "b")},
            "too_many_custom_prompts",
            "custom_prompts",
        ),
        (
            {"custom_prompts": ("a",), "custom_tiers": (Tier.CAPA1, Tier.CAPA2)},
            "too_many_custom_tiers",
            "custom_tiers",
        ),
        ({"custom_prompts": ("a", " \n")}, "blank_custom_prompt", "custom_prompts.1"),
    ],
)
def test_an_impossible_order_is_refused_with_the_field_to_change(
    order: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(PlanError) as refused:
        plan(**order)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.field) == (code, field)


def test_ratios_mean_what_was_written_not_the_nearest_float() -> None:
    assert TierRatios(0.1, 0.2, 0.7).exact(Tier.CAPA1) == Fraction(1, 10)

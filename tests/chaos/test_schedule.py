"""The plan of faults: the same for a seed, complete, spread, and over in time."""

from collections import Counter

import pytest

from shared.topology import STEPS
from tests.chaos.plan import Plan, full, short
from tests.chaos.schedule import LONGEST_ACK_WAIT_S, NATS, POSTGRES, Fault, plan

SEEDS = range(20)


def faults_of(chosen: Plan) -> list[Fault]:
    return plan(
        chosen.seed,
        duration_s=chosen.faults_s,
        counts=chosen.counts,
        services=chosen.services,
        workers=chosen.workers,
    )


def kills(faults: list[Fault], *targets: str) -> int:
    return sum(fault.kind == "kill" and fault.target in targets for fault in faults)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_always_gives_the_same_plan_and_another_seed_another(seed: int) -> None:
    assert faults_of(full(seed)) == faults_of(full(seed))
    assert faults_of(full(seed)) != faults_of(full(seed + 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_full_form_has_as_many_faults_as_promised(seed: int) -> None:
    chosen = full(seed)
    faults = faults_of(chosen)
    assert kills(faults, *chosen.services) >= 100
    assert kills(faults, NATS) >= 20
    assert kills(faults, POSTGRES) >= 10
    pauses = [fault for fault in faults if fault.kind == "pause"]
    assert len(pauses) >= 10
    assert all(fault.for_s > LONGEST_ACK_WAIT_S for fault in pauses)


@pytest.mark.parametrize("chosen", [*map(full, SEEDS), *map(short, SEEDS)])
def test_everything_is_over_in_time_and_in_order(chosen: Plan) -> None:
    faults = faults_of(chosen)
    assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)
    assert min(fault.at_s for fault in faults) >= 0
    assert max(fault.until_s for fault in faults) <= chosen.faults_s


@pytest.mark.parametrize("seed", SEEDS)
def test_every_process_is_killed_about_as_often_as_any_other(seed: int) -> None:
    chosen = full(seed)
    killed = Counter(fault.target for fault in faults_of(chosen) if fault.kind == "kill")
    counts = [killed[name] for name in chosen.services]
    assert max(counts) - min(counts) <= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_no_process_is_killed_while_it_is_paused(seed: int) -> None:
    faults = faults_of(full(seed))
    for pause in (fault for fault in faults if fault.kind == "pause"):
        meanwhile = [
            fault
            for fault in faults
            if fault.kind == "kill" and pause.at_s <= fault.at_s <= pause.until_s
        ]
        assert pause.target not in {fault.target for fault in meanwhile}


def test_faults_are_spread_over_the_whole_time() -> None:
    chosen = full(3)
    tenths = {int(10 * fault.at_s / chosen.faults_s) for fault in faults_of(chosen)}
    assert tenths == set(range(10))


def test_a_run_names_the_command_that_repeats_it() -> None:
    assert full(7).replay == "./dev chaos --minutes 7 --pieces 2000 --seed 7"
    assert short(7).replay == "./dev chaos --short --pieces 60 --seed 7"


def test_the_wait_that_pauses_outlast_is_the_products_own() -> None:
    assert max(step.ack_wait_s for step in STEPS) == LONGEST_ACK_WAIT_S

"""The seeded plan of what is killed, paused and cut, and when."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

Kind = Literal["kill", "pause", "cut", "slow", "mute"]

NATS = "nats"
POSTGRES = "postgres"
PROVIDER = "provider"
ROUTES = (NATS, POSTGRES, PROVIDER)

LONGEST_ACK_WAIT_S = 12.0
"""How long the broker waits for a sign of life of a worker before somebody else gets its work."""

PAUSE_S = (LONGEST_ACK_WAIT_S + 0.3, LONGEST_ACK_WAIT_S + 1.5)
CUT_S = (0.0, 2.0)
SLOW_S = (3.0, 8.0)
MUTE_S = (2.0, 8.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to `target`, `at_s` seconds after the beginning and for `for_s` seconds.

    kill: SIGKILL · pause: SIGSTOP, later SIGCONT · cut: every connection ends, new ones are
    refused · slow: every chunk is late · mute: connections stay open and nothing passes.
    """

    at_s: float
    kind: Kind
    target: str
    for_s: float = 0.0

    @property
    def until_s(self) -> float:
        """When it is over."""
        return self.at_s + self.for_s


@dataclass(frozen=True, slots=True)
class Counts:
    """How many faults of each kind."""

    service_kills: int
    nats_kills: int
    postgres_kills: int
    pauses: int
    cuts: int
    slows: int
    mutes: int


FULL = Counts(
    service_kills=108, nats_kills=22, postgres_kills=12, pauses=12, cuts=24, slows=12, mutes=9
)
SHORT = Counts(service_kills=7, nats_kills=1, postgres_kills=1, pauses=1, cuts=3, slows=2, mutes=1)


def plan(
    seed: int, *, duration_s: float, counts: Counts, services: Sequence[str], workers: Sequence[str]
) -> list[Fault]:
    """Every fault in the order of time, all over within `duration_s`.

    `services` are the processes to kill, as often as each other; `workers` are those to pause. A
    process is not killed while it is paused. The same arguments always give the same plan.
    """
    pauses = list(_pauses(Random(f"{seed} pauses"), duration_s, counts.pauses, workers))
    faults = [
        *pauses,
        *_service_kills(
            Random(f"{seed} kills"), duration_s, counts.service_kills, services, pauses
        ),
        *_kills(Random(f"{seed} nats"), duration_s, counts.nats_kills, NATS),
        *_kills(Random(f"{seed} postgres"), duration_s, counts.postgres_kills, POSTGRES),
        *_on_routes(Random(f"{seed} cuts"), duration_s, counts.cuts, "cut", CUT_S),
        *_on_routes(Random(f"{seed} slows"), duration_s, counts.slows, "slow", SLOW_S),
        *_on_routes(Random(f"{seed} mutes"), duration_s, counts.mutes, "mute", MUTE_S),
    ]
    return sorted(faults, key=lambda fault: (fault.at_s, fault.target))


def _moments(random: Random, duration_s: float, count: int) -> Iterator[float]:
    """As many moments, one somewhere in each of as many equal stretches."""
    for nth in range(count):
        yield (nth + random.random()) * duration_s / count


def _pauses(
    random: Random, duration_s: float, count: int, workers: Sequence[str]
) -> Iterator[Fault]:
    order = random.sample(workers, len(workers))
    for nth, at_s in enumerate(_moments(random, max(0.0, duration_s - PAUSE_S[1]), count)):
        yield Fault(at_s, "pause", order[nth % len(order)], random.uniform(*PAUSE_S))


def _service_kills(
    random: Random,
    duration_s: float,
    count: int,
    services: Sequence[str],
    pauses: Sequence[Fault],
) -> Iterator[Fault]:
    killed = Counter(dict.fromkeys(services, 0))
    for at_s in _moments(random, duration_s, count):
        paused = {each.target for each in pauses if each.at_s - 1 <= at_s <= each.until_s + 1}
        free = [name for name in services if name not in paused] or list(services)
        least = min(killed[name] for name in free)
        victim = random.choice([name for name in free if killed[name] == least])
        killed[victim] += 1
        yield Fault(at_s, "kill", victim)


def _kills(random: Random, duration_s: float, count: int, target: str) -> Iterator[Fault]:
    for at_s in _moments(random, duration_s, count):
        yield Fault(at_s, "kill", target)


def _on_routes(
    random: Random, duration_s: float, count: int, kind: Kind, length_s: tuple[float, float]
) -> Iterator[Fault]:
    order = random.sample(ROUTES, len(ROUTES))
    for nth, at_s in enumerate(_moments(random, duration_s, count)):
        fault = Fault(at_s, kind, order[nth % len(order)], random.uniform(*length_s))
        yield replace(fault, for_s=max(0.0, min(fault.for_s, duration_s - at_s)))

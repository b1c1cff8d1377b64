"""What the engine has done, as plain numbers: for health, metrics and benchmarks."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """Counted since the engine was ready. `batches`: samples in a pass → passes."""

    wall_s: float
    busy_s: float
    steps: int
    samples: int
    batches: Mapping[int, int]
    pictures: int
    failures: Mapping[str, int]
    parked: int = 0
    lora_copies: int = 0
    slot_hits: int = 0
    slot_misses: int = 0
    slot_evictions: int = 0
    prompts_encoded: int = 0
    prompts_remembered: int = 0

    @property
    def idle_share(self) -> float:
        """The share of time in which the device had nothing to do."""
        return max(0.0, 1 - self.busy_s / self.wall_s) if self.wall_s else 0.0

    @property
    def samples_per_step(self) -> float:
        """How many shared a step, on average."""
        return self.samples / self.steps if self.steps else 0.0


@dataclass(slots=True)
class Tally:
    """The counters behind it. Threads count, any may read."""

    since_s: float = 0.0
    busy_s: float = 0.0
    pictures: int = 0
    batches: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


def figures_of(tally: Tally, **others: int) -> EngineFigures:
    """The counters as they are now, with those that are counted elsewhere."""
    batches = dict(tally.batches)
    return EngineFigures(
        wall_s=time.monotonic() - tally.since_s if tally.since_s else 0.0,
        busy_s=tally.busy_s,
        steps=sum(batches.values()),
        samples=sum(samples * passes for samples, passes in batches.items()),
        batches=batches,
        pictures=tally.pictures,
        failures=dict(tally.failures),
        **others,
    )

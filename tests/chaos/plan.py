"""What a run is to be: all that a replay has to repeat."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.orders import MOST_PIECES
from tests.chaos.schedule import FULL, SHORT, Counts

DEADLINE_S = 60.0

_WORKERS = ("ledger", "generator", "hooks", "safety", "storage")
_DOOR = "gateway"


@dataclass(frozen=True, slots=True)
class Plan:
    """Size and shape of a run. `replicas` are processes a service, one unless named.

    Everything is to be terminal `deadline_s` after the last fault; somebody without a key asks for
    something every `probe_every_s`.
    """

    seed: int
    pieces: int
    faults_s: float
    counts: Counts
    replicas: Mapping[str, int]
    short: bool = False
    probe_every_s: float = 0.006
    deadline_s: float = DEADLINE_S

    def __post_init__(self) -> None:
        if not 1 <= self.pieces <= MOST_PIECES:
            raise ValueError(f"pieces must be 1 to {MOST_PIECES}")

    @property
    def workers(self) -> list[str]:
        """Names of the processes that carry stages."""
        return [name for service in _WORKERS for name in self._processes(service)]

    @property
    def services(self) -> list[str]:
        """Names of all service processes."""
        return [*self.workers, *self._processes(_DOOR)]

    @property
    def replay(self) -> str:
        """The command that does the same again."""
        size = "--short" if self.short else f"--minutes {self.faults_s / 60:g}"
        return f"./dev chaos {size} --pieces {self.pieces} --seed {self.seed}"

    def _processes(self, service: str) -> list[str]:
        count = self.replicas.get(service, 1)
        if count == 1:
            return [service]
        return [f"{service}.{number}" for number in range(1, count + 1)]


def full(seed: int, *, pieces: int = 2000, minutes: float = 7.0) -> Plan:
    """The whole form: every worker has a twin, so that late ones meet those who took over."""
    twins = dict.fromkeys(_WORKERS, 2)
    return Plan(seed, pieces, minutes * 60, FULL, twins)


def short(seed: int, *, pieces: int = 60) -> Plan:
    """A few faults of each kind in a quarter of a minute."""
    # Less often: other tests run beside it.
    return Plan(seed, pieces, 15.0, SHORT, {"generator": 2}, short=True, probe_every_s=0.02)

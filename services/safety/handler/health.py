"""Say how the judges are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.breaker import State
from shared.calls import ComponentHealth, Nothing


class Guarded(Protocol):
    """Somebody behind a breaker."""

    @property
    def state(self) -> State:
        """Whether they are asked at present."""
        ...


@dataclass(frozen=True, slots=True)
class ReportHealth:
    """Degraded while a judge is left alone: pieces wait, and then go to people."""

    judges: Mapping[str, Guarded]
    policy_version: str

    async def __call__(self, request: Nothing) -> ComponentHealth:
        del request
        states = {name: judge.state for name, judge in self.judges.items()}
        well = all(state is State.CLOSED for state in states.values())
        return ComponentHealth(
            status="ok" if well else "degraded",
            detail={
                "policy_version": self.policy_version,
                "judges": {name: state.value for name, state in states.items()},
            },
        )

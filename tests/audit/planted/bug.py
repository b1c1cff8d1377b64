"""A bug that can be planted."""

from dataclasses import dataclass

from tests.audit.planted.copies import Patch
from tests.audit.planted.scenarios import Scenario, nothing


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug, and the breach that the auditor has to name: one of `codes`, of `breaks`.

    It may name others as well.
    """

    name: str
    breaks: str
    codes: tuple[str, ...]
    scenario: Scenario
    patches: tuple[Patch, ...]


DRAWN = Scenario(nothing)
PAID = Scenario(nothing, paid=True)

"""What comes of placing an order."""

from dataclasses import dataclass

from shared.calls import TaskView


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that is sure to be carried out; `replayed` if it had been placed before."""

    view: TaskView
    replayed: bool

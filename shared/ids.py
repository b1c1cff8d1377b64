"""Identifiers that are the same whoever computes them."""

from uuid import UUID, uuid5


def piece_id(task_id: str, index: int) -> str:
    """The id of the piece with this index: uuid5 of the task's random 128-bit id."""
    return str(uuid5(UUID(task_id), str(index)))

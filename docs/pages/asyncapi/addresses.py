"""Subjects of facts as addresses with parameters, read off the facts themselves."""

import re

from shared.events import Fact

_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class _Parameter(str):
    """Stands for whatever a field may hold."""

    __slots__ = ()

    @property
    def value(self) -> str:
        """As an enumeration would give it."""
        return str(self)


def address(fact: type[Fact]) -> str:
    """Where facts of this kind are, for example `task.completed.{tenant}.{task_id}`."""
    unknown = {name: _Parameter(f"{{{name}}}") for name in fact.model_fields}
    return ".".join((fact.NAME, *fact.model_construct(**unknown).subject_tokens))  # type: ignore[arg-type]


def parameters(subject: str) -> tuple[str, ...]:
    """The names of an address's parameters, in order."""
    return tuple(_PARAMETER.findall(subject))

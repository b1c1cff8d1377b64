"""A measured figure, for people and for machines."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its unit, and what was measured."""

    what: str
    value: float
    unit: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def as_line(self) -> str:
        return f"{self.what:<44} {self.value:>10,.0f} {self.unit}"

"""What was measured, for people and for machines: single figures, tables, and aims."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

_FEW = 10
_LABEL_WIDTH = 40


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


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers by row and column; None where there is none. Units belong into the columns' names."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]

    def as_dict(self) -> dict[str, object]:
        return {
            "title": self.title,
            "rows": {name: dict(zip(self.columns, row, strict=True)) for name, row in self.rows},
        }

    def as_text(self) -> str:
        """Columns under their names, as wide as they need."""
        widths = [max(len(name), _FEW) for name in self.columns]
        first = max([len(name) for name, _ in self.rows] + [len(self.title)])
        pairs = list(zip(self.columns, widths, strict=True))
        lines = [f"{self.title:<{first}}  " + "  ".join(f"{name:>{w}}" for name, w in pairs)]
        for name, row in self.rows:
            cells = (f"{written(cell):>{w}}" for cell, w in zip(row, widths, strict=True))
            lines.append(f"{name:<{first}}  " + "  ".join(cells))
        return "\n".join(line.rstrip() for line in lines)


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure and how far it should get: at least, or at most, `limit`."""

    what: str
    value: float | None
    limit: float
    unit: str
    at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """None where nothing was measured."""
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_dict(self) -> dict[str, object]:
        return asdict(self) | {"is_met": self.is_met}

    def as_line(self) -> str:
        verdict = {True: "met", False: "MISSED", None: "not measured"}[self.is_met]
        sign = "≥" if self.at_least else "≤"
        wanted = f"{sign} {self.limit:g} {self.unit}"
        return f"{self.what:<{_LABEL_WIDTH}} {written(self.value):>10}  {wanted:<14} {verdict}"


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run has measured; `notes` say what a reader has to know of how."""

    title: str
    tables: Sequence[Table]
    aims: Sequence[Aim] = ()
    notes: Sequence[str] = field(default=())

    def as_dict(self) -> dict[str, object]:
        return {
            "title": self.title,
            "tables": [table.as_dict() for table in self.tables],
            "aims": [aim.as_dict() for aim in self.aims],
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        parts = [self.title, *(table.as_text() for table in self.tables)]
        if self.aims:
            parts.append("\n".join(["Aims", *(aim.as_line() for aim in self.aims)]))
        if self.notes:
            parts.append("\n".join(f"· {note}" for note in self.notes))
        return "\n\n".join(parts)


def written(value: float | None) -> str:
    """A number with three digits that say something."""
    if value is None:
        return "-"
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= _FEW else 2
    return f"{value:,.{decimals}f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of them do not exceed; the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

"""What the auditor found, for people and for machines."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

SHOWN = 20
"""Violations of one invariant that the table prints; the JSON has them all."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach of an invariant.

    `code` is stable, `subject` names what it is about (a piece, a file, a key) and `detail` says
    what was seen. `heals`: work that is still under way may cure it, so it counts only when
    patience is over.
    """

    invariant: str
    code: str
    subject: str
    detail: str
    heals: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: how many things were looked at, and every breach."""

    invariant: str
    claim: str
    checked: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The judgement. `figures` are counts worth knowing that break nothing, such as `rebuys`.

    `not_judged` is what could not be looked at: being clean says nothing about it.
    """

    findings: tuple[Finding, ...]
    figures: Mapping[str, int]
    not_judged: tuple[str, ...] = ()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every breach, in the order of the invariants."""
        return tuple(each for finding in self.findings for each in finding.violations)

    @property
    def clean(self) -> bool:
        """Whether every invariant was kept."""
        return not self.violations

    @property
    def may_heal(self) -> bool:
        """Whether there are breaches and waiting may cure all of them."""
        return not self.clean and all(each.heals for each in self.violations)

    @property
    def broken(self) -> frozenset[str]:
        """Names of the invariants that were not kept, for example `{"I2"}`."""
        return frozenset(each.invariant for each in self.violations)

    def as_json(self) -> str:
        """Everything, as one JSON object."""
        findings = [asdict(finding) for finding in self.findings]
        whole = {
            "clean": self.clean,
            "not_judged": self.not_judged,
            "findings": findings,
            "figures": dict(self.figures),
        }
        return json.dumps(whole, indent=1)

    def as_table(self) -> str:
        """One line an invariant, then the first breaches of each, then the figures."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'':<4}{'checked':>9}{'violations':>12}  claim"
        for finding in self.findings:
            count = len(finding.violations)
            yield f"{finding.invariant:<4}{finding.checked:>9}{count:>12}  {finding.claim}"
        for what in self.not_judged:
            yield f"not judged: {what}"
        for finding in self.findings:
            for each in finding.violations[:SHOWN]:
                yield f"  {each.invariant} {each.code}: {each.subject}: {each.detail}"
            if len(finding.violations) > SHOWN:
                yield f"  {finding.invariant} … and {len(finding.violations) - SHOWN} more"
        yield "  ".join(f"{name} {count}" for name, count in self.figures.items())

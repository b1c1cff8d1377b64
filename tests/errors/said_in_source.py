"""The codes and reasons that our source says, read off its syntax."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What a refusal of these kinds becomes at the door.
_STATUS_OF = {"Blocker": 400, "PlanError": 422}


@dataclass(frozen=True, slots=True)
class Said:
    """A code somewhere in the source; None where it is not written out."""

    place: str
    code: str | None
    status: int | None

    @property
    def file(self) -> str:
        return self.place.partition(":")[0]


def problems() -> list[Said]:
    """Every refusal that is made anywhere."""
    return [said for place, call in _calls() if (said := _problem(place, call)) is not None]


def first_words(*makers: str, under: str = "") -> dict[str, str]:
    """The first argument of every call of `makers` that is written out, and where."""
    return {
        word: place
        for place, call in _calls()
        if place.startswith(under)
        and _name(call) in makers
        and (word := _text(call.args[0] if call.args else None))
    }


def reasons_of_ends() -> dict[str, str]:
    """Every reason that is given to end a piece and is written out, and where."""
    given = {
        word: place
        for place, call in _calls()
        if _name(call) in {"following", "fail"}
        for keyword in call.keywords
        if keyword.arg == "reason" and (word := _text(keyword.value))
    }
    return given | first_words("GiveUp", "Halt", "_halt")


@cache
def _calls() -> tuple[tuple[str, ast.Call], ...]:
    return tuple(_read_calls())


def _read_calls() -> Iterator[tuple[str, ast.Call]]:
    for folder in ("services", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def _problem(place: str, call: ast.Call) -> Said | None:
    name = _name(call)
    if name == "Problem":
        status, code, *_ = call.args
        return Said(place, _text(code), _number(status))
    if name == "ProblemDetails":
        given = {word.arg: word.value for word in call.keywords}
        return Said(place, _text(given["code"]), _number(given["status"]))
    if name == "not_found":
        kind = _text(call.args[0])
        return Said(place, kind and f"{kind}_not_found", 404)
    if name in _STATUS_OF:
        # A blocker may say a status of its own; the other argument there is a sentence.
        own = _number(call.args[2]) if name == "Blocker" and len(call.args) > 2 else None
        return Said(place, _text(call.args[0]), own or _STATUS_OF[name])
    return None


def _name(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _text(node: ast.expr | None) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def _number(node: ast.expr) -> int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) else None

"""Every code that a refusal can have: its HTTP status, what it means, what to do about it.

A code never changes its status or its meaning, and none is used that is not in this table. Both
doors give the same codes; `docs/errors.md` is written from here.
"""

from collections.abc import Mapping

from shared.problem_kinds.endings import ENDINGS
from shared.problem_kinds.kind import ProblemKind
from shared.problem_kinds.orders import ORDERS
from shared.problem_kinds.parts import PARTS
from shared.problem_kinds.requests import REQUESTS
from shared.problem_kinds.things import THINGS

__all__ = ["PROBLEM_KINDS", "ProblemKind"]

PROBLEM_KINDS: Mapping[str, ProblemKind] = {
    kind.code: kind for kind in (*REQUESTS, *ORDERS, *THINGS, *ENDINGS, *PARTS)
}

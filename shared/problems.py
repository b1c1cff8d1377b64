"""Refusals that travel: what a caller did that cannot be done, with a code that never changes."""

from pydantic import Field

from shared.content import Value


class ProblemDetails(Value):
    """The members of an RFC 9457 problem that cross process borders."""

    code: str = Field(description="stable, for machines")
    status: int = Field(ge=400, le=599, description="HTTP status at the door")
    detail: str = Field(description="for people: what is wrong and what to do")
    field: str | None = Field(default=None, description="the input it is about")


class Problem(Exception):
    """A request that is refused for a reason its caller can act on.

    `shared/problem_kinds` has every code with its status.
    """

    def __init__(self, status: int, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.details = ProblemDetails(code=code, status=status, detail=detail, field=field)

    @classmethod
    def of(cls, details: ProblemDetails) -> "Problem":
        """The same refusal, raised again on the caller's side."""
        return cls(details.status, details.code, details.detail, field=details.field)


def not_found(kind: str, ident: str) -> Problem:
    """404: nothing of this kind with this id, or not for this tenant."""
    return Problem(404, f"{kind}_not_found", f"There is no {kind} {ident[:80]!r}.")

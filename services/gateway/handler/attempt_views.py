"""How provider calls look to those who compare them with a bill, and what these say."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, WithJsonSchema

from services.gateway.handler.json_types import Body, JsonDecimal, View, seconds, usd
from shared.calls import BookedAttempt
from shared.calls.attempts import AttemptKind
from shared.money import to_micros
from shared.problems import Problem

DEAREST_USD = 100

Cost = Annotated[
    Decimal,
    Field(gt=0, le=DEAREST_USD, max_digits=9, decimal_places=6),
    WithJsonSchema(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": DEAREST_USD,
            "description": "as the provider's bill has it, with at most six decimals",
        }
    ),
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


def _cost_goes_with_a_charge(schema: dict[str, Any]) -> None:
    """Let the document say what is refused by codes of their own."""
    schema["oneOf"] = [
        {
            "properties": {"result": {"const": "charged"}, "cost_usd": {"type": "number"}},
            "required": ["cost_usd"],
        },
        {"properties": {"result": {"const": "not_charged"}, "cost_usd": {"type": "null"}}},
    ]


class ReconcileBody(Body):
    """How a call of which nobody knows the end shows on the provider's bill."""

    model_config = ConfigDict(json_schema_extra=_cost_goes_with_a_charge)

    result: Literal["charged", "not_charged"]
    cost_usd: Cost | None = None
    note: Note = Field(default="", description="for the record", examples=["invoice 2026-11"])

    def cost_usd_micros(self) -> int:
        """What it cost. Raises Problem where cost and result do not go together."""
        if self.result == "charged" and self.cost_usd is None:
            detail = "Say what the call cost, as the provider's bill has it."
            raise Problem(422, "cost_required", detail, field="cost_usd")
        if self.result == "not_charged" and self.cost_usd is not None:
            detail = "A call that was not charged has no cost; leave it out."
            raise Problem(422, "cost_not_allowed", detail, field="cost_usd")
        return to_micros(self.cost_usd or Decimal(0))


class BookedAttemptView(View):
    """A call to a provider, as it stands in the books."""

    attempt_id: str
    kind: AttemptKind = Field(description="what was to be bought")
    number: int = Field(description="of its piece's calls, over all runs")
    task_id: str
    piece_id: str
    avatar_id: str | None
    run: int
    provider: str
    outcome: str = Field(examples=["unknown"])
    error_code: str | None
    detail: str
    call_id: str | None = Field(description="the provider's own id of the call")
    cost_usd: JsonDecimal
    duration_s: JsonDecimal | None
    opened_at: AwareDatetime
    settled_at: AwareDatetime | None
    reconciled_at: AwareDatetime | None
    reconciled_by: str | None = Field(description="id of the API key")
    reconcile_note: str | None


class AttemptListView(View):
    """Some calls, newest first."""

    attempts: list[BookedAttemptView]
    next_cursor: str | None = Field(description="send it as `cursor` to go on; null at the end")


def attempt_view(booked: BookedAttempt) -> BookedAttemptView:
    """A call as operators see it."""
    known = booked.model_dump(exclude={"cost_usd_micros", "duration_ms"})
    return BookedAttemptView(
        cost_usd=usd(booked.cost_usd_micros),
        duration_s=None if booked.duration_ms is None else seconds(booked.duration_ms),
        **known,
    )

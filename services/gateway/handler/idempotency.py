"""`Idempotency-Key`: asking twice by the same key orders once."""

from typing import Annotated

from fastapi import Depends, Header, Request

from services.gateway.domain.request_ids import KEY_FORM, key_identity
from services.gateway.handler.order_bodies import OrderBody
from services.gateway.handler.ordering import order_body_sha256
from shared.calls import OrderKey
from shared.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
REPLAYED_HEADER = {
    REPLAYED: {"description": "`true` if the order had been placed before", "schema": {}}
}


async def _chosen_key(
    request: Request,
    _shown: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="Chosen by the client, kept for seven days: the same key and body give "
            "the same task, another body is refused. 1 to 255 visible ASCII characters.",
            examples=["order-2026-05-01-0001"],
        ),
    ] = None,
) -> str | None:
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not KEY_FORM.fullmatch(given[0]):
        detail = f"Send one {HEADER} of 1 to 255 visible ASCII characters."
        raise Problem(422, "invalid_idempotency_key", detail, field=HEADER)
    return given[0]


ChosenKey = Annotated[str | None, Depends(_chosen_key)]


def order_key(chosen: str | None, body: OrderBody) -> OrderKey | None:
    """The key as the ledger keeps it, with what is ordered by it."""
    if chosen is None:
        return None
    return OrderKey(key=key_identity(chosen), body_sha256=order_body_sha256(body))

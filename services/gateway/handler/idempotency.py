"""`Idempotency-Key`: asking twice by the same key orders once, or is answered once."""

from typing import Annotated

from fastapi import Depends, Header, Request, Response

from services.gateway.domain.request_ids import KEY_FORM, key_identity
from services.gateway.handler.json_types import Body
from services.gateway.handler.order_bodies import OrderBody
from services.gateway.handler.ordering import order_body_sha256
from services.gateway.handler.same_body import body_sha256
from shared.calls import OrderKey
from shared.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
REPLAYED_HEADER = {
    REPLAYED: {"description": "`true` if the key had been used for this before", "schema": {}}
}


async def _chosen_key(
    request: Request,
    _shown: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="Chosen by the client, kept for seven days: the same key and body give "
            "the same task or answer, another body is refused. 1 to 255 visible ASCII characters.",
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


def request_key(chosen: str | None, kind: str, body: Body) -> OrderKey | None:
    """The key of a request of this kind that makes no task, with what is asked by it."""
    if chosen is None:
        return None
    return OrderKey(key=key_identity(chosen), body_sha256=body_sha256(kind, body))


def tell_replay(response: Response, *, replayed: bool) -> None:
    """Say so where an answer was given before."""
    if replayed:
        response.headers[REPLAYED] = "true"

"""Finished pieces that a request names."""

from services.gateway.handler.door import Door
from services.gateway.handler.rendering import DELIVERED
from shared.calls import GET_PIECE, Piece, PieceRef
from shared.problems import Problem


async def finished(door: Door, tenant: str, piece_id: str, *, field: str = "piece_id") -> Piece:
    """The piece, if it may be seen. Raises Problem 404, 409 or 410, of this field."""
    try:
        piece = (await door.ask(GET_PIECE, PieceRef(tenant=tenant, piece_id=piece_id))).piece
    except Problem as problem:
        # Who is asked cannot know what the client calls the piece.
        raise Problem.of(problem.details.model_copy(update={"field": field})) from problem
    if piece.taken_down_at is not None:
        detail = "The piece was taken down; it cannot be looked at any more."
        raise Problem(410, "piece_taken_down", detail, field=field)
    if piece.state != DELIVERED or piece.object_key is None:
        detail = "The piece is not finished, so there is nothing to look at."
        raise Problem(409, "piece_not_delivered", detail, field=field)
    return piece

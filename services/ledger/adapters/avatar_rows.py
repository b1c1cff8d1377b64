"""An avatar as clients see it."""

from sqlalchemy import RowMapping

from shared.calls import Avatar, Frozen


def avatar_of(row: RowMapping) -> Avatar:
    """The avatar a row tells of."""
    frozen = None
    if row["frozen_at"] is not None:
        frozen = Frozen(
            at=row["frozen_at"], reason=row["frozen_reason"], piece_id=row["frozen_by_piece"]
        )
    return Avatar.model_validate({**row, "frozen": frozen})

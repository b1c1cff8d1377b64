"""Remind storage of takedowns: the broker may have lost what it was told."""

from datetime import datetime

from services.ledger.ports import TakeDownBook


class RemindOfTakedowns:
    """One round tells some late takedowns again; the next goes on where it ended."""

    def __init__(self, book: TakeDownBook) -> None:
        self._book = book
        self._after: tuple[datetime, str] | None = None

    async def __call__(self) -> None:
        """Tell a bounded portion. Raises TryLater."""
        self._after = await self._book.remind(after=self._after)

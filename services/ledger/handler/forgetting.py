"""Forget the keys that clients chose, once they are kept no longer."""

from dataclasses import dataclass

from services.ledger.ports import KeyBook


@dataclass(frozen=True, slots=True)
class ForgetOldKeys:
    """One round goes through both books."""

    orders: KeyBook
    requests: KeyBook

    async def __call__(self) -> None:
        """Forget. Raises TryLater."""
        await self.orders.forget_old()
        await self.requests.forget_old()

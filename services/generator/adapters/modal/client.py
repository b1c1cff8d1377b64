"""The connection that Modal's SDK keeps."""

import asyncio

import modal
from pydantic import SecretStr


class ModalClient:
    """Opened when it is first needed: a service starts also while Modal is away."""

    def __init__(self, token_id: SecretStr, token_secret: SecretStr) -> None:
        self._token_id = token_id
        self._token_secret = token_secret
        self._opening = asyncio.Lock()
        self._client: modal.Client | None = None

    async def opened(self) -> modal.Client:
        """The one client. Raises the SDK's errors."""
        async with self._opening:
            if self._client is None:
                self._client = await modal.Client.from_credentials.aio(
                    self._token_id.get_secret_value(), self._token_secret.get_secret_value()
                )
            return self._client

    async def close(self) -> None:
        """Give back what is open."""
        if self._client is not None:
            await self._client.close.aio()

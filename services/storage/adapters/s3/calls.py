"""Calls to the store under one policy: bounded, behind a breaker, told in our words."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    ParamValidationError,
)

from services.storage.adapters.s3.failures import meaning
from shared.breaker import Admission, Breaker
from shared.outcomes import TryLater

CALL_LIMIT_S = 20.0
FAILURES = 5
PAUSE_S = 10.0

_NOT_ANSWERED = (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError)


class Calls:
    """Remembers how the last call went. Retrying is the stage's, not ours."""

    def __init__(
        self,
        client: Any,
        *,
        limit_s: float = CALL_LIMIT_S,
        pause_s: float = PAUSE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._limit_s = limit_s
        self._breaker = Breaker(monotonic, failures=FAILURES, pause_s=pause_s)
        self.trouble: TryLater | None = None

    @asynccontextmanager
    async def call(self) -> AsyncIterator[Any]:
        """The client, for one call. Raises TryLater, or what `failures` makes of an answer."""
        admission = self._breaker.admit()
        if admission is None:
            raise TryLater("object store: left alone after failures")
        try:
            async with asyncio.timeout(self._limit_s):
                yield self._client
        except ParamValidationError:
            raise  # ours to mend
        except (ClientError, *_NOT_ANSWERED) as exc:
            said = _said(exc)
            self._note(admission, said)
            # Without its cause: the library's texts name addresses.
            raise said from None
        else:
            self._note(admission, None)
        finally:
            # Counts only where nothing was told: who was cut off says nothing about the store.
            admission.dropped()

    def _note(self, admission: Admission, said: Exception | None) -> None:
        self.trouble = said if isinstance(said, TryLater) else None
        if self.trouble is None:
            admission.succeeded()
        else:
            admission.failed()

    def presigner(self) -> Any:
        """The client for what needs no call."""
        return self._client


def _said(exc: Exception) -> Exception:
    if isinstance(exc, ClientError):
        return meaning(exc)
    return TryLater(f"object store: {type(exc).__name__}")

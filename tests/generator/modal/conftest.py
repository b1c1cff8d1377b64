"""What production uses, with nobody's proxy in between."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from services.generator.adapters.vendor_http import vendor_client
from tests.generator.modal.functions import ModalAddress


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    monkeypatch.setenv("NO_PROXY", "*")
    async with vendor_client(0.5) as client:
        yield client


@pytest.fixture
def modal(monkeypatch: pytest.MonkeyPatch) -> ModalAddress:
    """What production sets for the SDK is not there yet, and gone afterwards."""
    for key in ("MODAL_PAYLOAD_FORMAT", "MODAL_MAX_THROTTLE_WAIT"):
        monkeypatch.setenv(key, "")
        monkeypatch.delenv(key)
    return ModalAddress(monkeypatch)

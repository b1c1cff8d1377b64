"""A deployed Modal function from its settings. Needs Modal's SDK."""

import os
from contextlib import AsyncExitStack

from modal.config import config
from pydantic import SecretStr

from services.generator.adapters.modal.client import ModalClient
from services.generator.adapters.modal.function import Spawned
from services.generator.adapters.modal.http import Pace
from services.generator.settings.modal import ModalSettings
from shared.settings import fail_misconfigured

_SDK_SETTINGS = {
    # Results that are data: unpickling them would run whatever the function sends.
    "MODAL_PAYLOAD_FORMAT": "cbor",
    # Who asks for patience is answered by our own pace, on record.
    "MODAL_MAX_THROTTLE_WAIT": "0",
}


def function(function_id: str, settings: ModalSettings, stack: AsyncExitStack) -> Spawned:
    """The function, called with the token of the settings or of the SDK's own file."""
    for key, value in _SDK_SETTINGS.items():
        os.environ.setdefault(key, value)
    client = ModalClient(*_credentials(settings))
    stack.push_async_callback(client.close)
    return Spawned(client, function_id, Pace(settings.modal_poll_seconds))


def _credentials(settings: ModalSettings) -> tuple[SecretStr, SecretStr]:
    if settings.modal_token_id and settings.modal_token_secret:
        return settings.modal_token_id, settings.modal_token_secret
    token_id, token_secret = config.get("token_id"), config.get("token_secret")
    if not token_id or not token_secret:
        raise fail_misconfigured(
            "MODAL_TOKEN_ID", "needed for MODAL_SDXL_LORA_ENDPOINT_ID, with MODAL_TOKEN_SECRET"
        )
    return SecretStr(token_id), SecretStr(token_secret)

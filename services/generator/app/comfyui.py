"""The provider `comfyui` from its settings."""

import asyncio

from services.generator.adapters.comfyui.clearing import Clearing
from services.generator.adapters.comfyui.provider import ComfyProvider
from services.generator.adapters.comfyui.server import REQUEST_LIMIT_S, ComfyServer
from services.generator.adapters.comfyui.workflow import Workflow
from services.generator.adapters.comfyui.workflow_file import WorkflowError, read_workflow
from services.generator.adapters.vendor_http import vendor_client
from services.generator.app.parts import Built, Parts
from services.generator.domain.failures import RetryPolicy
from services.generator.handler.route import Limits
from services.generator.settings.comfyui import ComfySettings
from shared.settings import fail_misconfigured


async def open_comfyui(settings: ComfySettings, parts: Parts) -> Built:
    """A workflow of the operator's, on a server of the operator's."""
    if settings.comfyui_endpoint is None:
        raise fail_misconfigured("COMFYUI_ENDPOINT", "is needed for the provider comfyui")
    workflow = await _workflow(settings.comfyui_workflow_file)
    client = await parts.stack.enter_async_context(vendor_client(REQUEST_LIMIT_S))
    server = ComfyServer(client, str(settings.comfyui_endpoint))
    clearing = Clearing(server)
    parts.stack.push_async_callback(clearing.finish)
    provider = ComfyProvider(
        server,
        clearing,
        workflow=workflow,
        checkpoint=settings.comfyui_checkpoint,
        lora_links=parts.lora_links,
        timeout_s=settings.comfyui_timeout_seconds,
        price=parts.prices.price("comfyui"),
    )
    return Built(provider, limits_of(settings))


def limits_of(settings: ComfySettings) -> Limits:
    """How hard it may be used. What failed there once is not tried there again."""
    return Limits(
        settings.comfyui_concurrency,
        settings.comfyui_max_in_flight,
        RetryPolicy(max_retries=0),
        is_last=not settings.comfyui_fallback_on_error,
    )


async def _workflow(path: str | None) -> Workflow:
    try:
        return await asyncio.to_thread(read_workflow, path)
    except WorkflowError as exc:
        raise fail_misconfigured("COMFYUI_WORKFLOW_FILE", str(exc)) from exc

"""A whole Atelier whose services reach broker, database and image worker through the proxy."""

import asyncio
import json
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.runtime_dir import make_runtime_dir
from tests.chaos import rerouted
from tests.chaos.children import Child, child
from tests.chaos.endpoint import Endpoint
from tests.chaos.evidence import PROVIDER
from tests.chaos.plan import Plan
from tests.chaos.schedule import NATS
from tests.chaos.schedule import PROVIDER as PROVIDER_ROUTE
from tests.safety.tiny_models import write_lenient_classifier

ROOT = Path(__file__).parents[2]
WORKER_LIMIT_S = 4
SHORT_WORKER_LIMIT_S = 2
JUDGE_LIMIT_S = 2


@dataclass(frozen=True, slots=True)
class System:
    """What runs."""

    data: Path
    endpoint: Endpoint
    proxy: Child

    @property
    def running_file(self) -> Path:
        """Names every process by its place."""
        return self.data / "running.json"


@asynccontextmanager
async def running(
    plan: Plan, data: Path, evidence: Path, signing_seed: str
) -> AsyncIterator[System]:
    """Start worker, moderator, proxy and Atelier; stop them at the end, whatever happened.

    `signing_seed` is the secret half of the key that signs verdicts.
    """
    log_file = evidence / "helpers.log"
    directory = make_runtime_dir()
    try:
        async with (
            child(
                "tests.chaos.provider",
                str(plan.seed),
                str(evidence / PROVIDER),
                log_file=log_file,
            ) as provider,
            child(
                "tests.chaos.moderator",
                str(plan.seed),
                str(JUDGE_LIMIT_S),
                log_file=log_file,
            ) as moderator,
            child("tests.chaos.proxy", str(directory), log_file=log_file) as proxy,
        ):
            real = {PROVIDER_ROUTE: f"127.0.0.1:{provider.first_line}"}
            await asyncio.to_thread(rerouted.tell, directory, real)
            settings = {
                **_settings(plan, directory, json.loads(proxy.first_line)),
                **_judges(moderator.first_line, directory),
                "SAFETY_SIGNING_KEY": signing_seed,
            }
            async with _atelier(plan, data, settings):
                yield System(data, Endpoint.of(data), proxy)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _settings(plan: Plan, directory: Path, proxied: Mapping[str, str]) -> dict[str, str]:
    return {
        rerouted.PROXY_DIRECTORY: str(directory),
        rerouted.PROXY_NATS_PORT: proxied[NATS],
        "AI_IMAGE_PROVIDER": "modal_sdxl_lora",
        "AI_IMAGE_PROVIDER_FALLBACKS": "preview",
        "MODAL_ENDPOINT_URL": f"http://127.0.0.1:{proxied[PROVIDER_ROUTE]}",
        "MODAL_TIMEOUT_SECONDS": str(SHORT_WORKER_LIMIT_S if plan.short else WORKER_LIMIT_S),
        "MODAL_MAX_RETRIES": "3",
        "MODAL_RETRY_BACKOFF_BASE": "0.1",
        "GENERATOR_CONCURRENCY": "8",
        "MODAL_CONCURRENCY": "5",
        "SWEEP_INTERVAL_SECONDS": "5",
        "STALL_SECONDS": "30",
        "STORAGE_SWEEP_SECONDS": "5",
        # What the stages did is counted in their logs.
        "LOG_LEVEL": "debug",
        "ENABLE_STRUCTURED_LOGGING": "true",
    }


def _judges(moderator_port: str, directory: Path) -> dict[str, str]:
    """Both that ship for generated images; the classifier finds nothing, the other one may."""
    return {
        "SAFETY_JUDGES": "openai,classifier",
        "SAFETY_CLASSIFIER_DIR": str(write_lenient_classifier(directory / "classifier")),
        "SAFETY_JUDGE_TIMEOUT_SECONDS": str(JUDGE_LIMIT_S),
        "SAFETY_JUDGE_WAIT_SECONDS": "20",
        "OPENAI_API_KEY": secrets.token_hex(16),
        "OPENAI_BASE_URL": f"http://127.0.0.1:{moderator_port}/v1",
    }


@asynccontextmanager
async def _atelier(plan: Plan, data: Path, settings: Mapping[str, str]) -> AsyncIterator[None]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    scale = [
        part
        for service, count in plan.replicas.items()
        for part in ("--scale", f"{service}={count}")
    ]
    try:
        await _command(environment, "up", "--detach", "--data", str(data), *scale)
        yield
    finally:
        await _command(environment, "down", "--data", str(data))


async def _command(environment: Mapping[str, str], *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.atelier", *arguments),
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, words = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{words.decode(errors='replace')}")

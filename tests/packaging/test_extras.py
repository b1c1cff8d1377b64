"""Each service starts with what its own lock names, without the others' libraries."""

import asyncio
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import nats
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.local.nats import EmbeddedNats
from deploy.local.postgres import EmbeddedPostgres
from shared.provision import provision
from shared.topology import Topology
from tests.conftest import SMALL
from tests.verdict_keys import SEED, SIGNER

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "generator", "hooks", "ledger", "safety", "storage")
READY_TIMEOUT_S = 30.0
NAMESPACE = "extras"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is published of us."""
    base = tmp_path_factory.mktemp("wheel")
    sources = base / "sources"
    tracked = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, sources / name)
    # What pip would call.
    build = "import sys; from setuptools import build_meta as b; b.build_wheel(sys.argv[1])"
    run(sys.executable, "-c", build, base, cwd=sources)
    (wheel,) = base.glob("atelier-*.whl")
    return wheel


@pytest.fixture(scope="module")
def interpreters(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Python for each service, with what its own lock names and our wheel, and nothing else."""
    base = tmp_path_factory.mktemp("extras")
    return {service: environment(base / service, service, wheel) for service in SERVICES}


def environment(home: Path, service: str, wheel: Path) -> Path:
    """Make a Python that sees the service's locked packages, shared with ours, and our wheel."""
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    for installed in locked(service):
        share(installed, packages)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return home / "bin" / "python"


def locked(service: str) -> Iterator[Distribution]:
    """What a service's lock names for this platform, in the version that is installed here."""
    lines = (ROOT / "requirements" / f"{service}.txt").read_text().splitlines()
    for line in lines:
        if not line or line[0] in " #":
            continue
        requirement = Requirement(line.rstrip(" \\"))
        if requirement.marker is None or requirement.marker.evaluate():
            installed = distribution(requirement.name)
            assert requirement.specifier.contains(installed.version), f"{service}: {line}"
            yield installed


def share(installed: Distribution, packages: Path) -> None:
    """Let another environment see a distribution's files; its scripts are not needed."""
    for name in shared_names(installed.name):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).symlink_to(str(installed.locate_file(name)))


@functools.cache
def shared_names(name: str) -> tuple[str, ...]:
    """A distribution's packages, and its files outside of them."""
    files = [path for path in distribution(name).files or () if ".." not in path.parts]
    # Whole, with what Python has compiled of them: a package of 10,000 files takes its time.
    packed = {path.parts[0] for path in files if path.parts[1:] == ("__init__.py",)}
    alone = (path for path in files if path.parts[0] not in packed)
    return (*packed, *(str(path) for path in alone if "__pycache__" not in path.parts))


@pytest.fixture(scope="module")
def settings(
    nats_server: EmbeddedNats,
    postgres_server: EmbeddedPostgres,
    interpreters: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """What the services are told, with a broker and a database that are ready for them."""
    topology = Topology(NAMESPACE)

    async def prepare() -> None:
        nc = await nats.connect(nats_server.url)
        async for _ in provision(nc.jetstream(), topology, SMALL):
            pass
        await nc.close()

    asyncio.run(prepare())
    objects = tmp_path_factory.mktemp("objects")
    told = {
        "PATH": os.environ["PATH"],
        "NATS_URL": nats_server.url,
        "NATS_NAMESPACE": NAMESPACE,
        "DATABASE_URL": postgres_server.dsn(),
        "OBJECTS_DIR": str(objects),
        "LINK_SIGNING_KEY": "00" * 32,
        "AI_IMAGE_PROVIDER": "preview",
        "SAFETY_JUDGES": "preview",
        "SAFETY_SIGNING_KEY": SEED,
        "VERDICT_PUBLIC_KEYS": SIGNER.public_key,
        "GATEWAY_PORT": str(free_port()),
    }
    ledger = interpreters["ledger"]
    run(ledger, "-m", "services.ledger", "migrate", cwd=objects, env=told)
    return told


@pytest.fixture
def notify_socket() -> Iterator[socket.socket]:
    """Where a service says that it is ready."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as directory,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock,
    ):
        sock.bind(f"{directory}/n")
        sock.settimeout(READY_TIMEOUT_S)
        yield sock


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_its_own_extra_only(
    service: str,
    interpreters: dict[str, Path],
    settings: dict[str, str],
    notify_socket: socket.socket,
    tmp_path: Path,
) -> None:
    process = subprocess.Popen(
        [interpreters[service], "-m", f"services.{service}"],
        cwd=tmp_path,
        env=settings | {"NOTIFY_SOCKET": notify_socket.getsockname()},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert notify_socket.recv(64) == b"READY=1"
    except TimeoutError:
        process.kill()
        pytest.fail(f"not ready: {process.communicate()[1][-2000:]}")
    finally:
        process.terminate()
        _, said = process.communicate(timeout=25)
    assert process.returncode == 0, said[-2000:]


@pytest.mark.parametrize("service", SERVICES)
def test_an_extra_asks_for_everything_the_service_needs(
    service: str, interpreters: dict[str, Path]
) -> None:
    assert broken(interpreters[service]) == []


def test_the_engine_and_its_worker_need_their_own_extra_and_torch_alone(
    wheel: Path, tmp_path: Path
) -> None:
    python = environment(tmp_path / "engine", "generator-sdxl", wheel)
    (packages,) = (tmp_path / "engine").glob("lib/python*/site-packages")
    share(distribution("torch"), packages)
    assert broken(python) == []
    parts = "import services.generator.app.sdxl_model, services.generator.worker.server"
    run(python, "-c", parts, cwd=tmp_path)


def broken(python: Path) -> list[str]:
    """What the distributions of an environment ask for and do not find there."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    here = {
        canonicalize_name(each.name): each.version for each in distributions(path=[str(packages)])
    }
    assert "atelier" in here
    asked = [
        (each.name, Requirement(line))
        for each in distributions(path=[str(packages)])
        for line in each.requires or ()
    ]
    return [
        f"{name} asks for {wanted}"
        for name, wanted in asked
        if (wanted.marker is None or wanted.marker.evaluate({"extra": ""}))
        and not is_met(wanted, here.get(canonicalize_name(wanted.name)))
    ]


def is_met(wanted: Requirement, version: str | None) -> bool:
    return version is not None and wanted.specifier.contains(version, prereleases=True)


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port

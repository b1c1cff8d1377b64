"""The environment of child processes: what they need, the user's settings, no foreign keys."""

import re
from collections.abc import Mapping

# Ours to decide, or meant for another program than the services.
DROPPED = re.compile(
    r"PYTHON(?!WARNINGS$|TRACEMALLOC$)\w*|VIRTUAL_ENV\w*|NOTIFY_SOCKET|LISTEN_\w+|WATCHDOG_\w+"
    r"|PG[A-Z]+|SSH_\w+|GIT_\w+|BASH_\w+|PS\d|OLDPWD|_|PIP_\w+|PYENV_\w+"
)
CREDENTIAL = re.compile(r"TOKEN|SECRET|SEED|PASSW|CREDENTIAL|(^|_)KEY(_|$)|DATABASE_URL|_DSN$")
# A credential reaches these services only; any other reaches the service that it is named after.
OWNERS: Mapping[str, frozenset[str]] = {
    "ANTHROPIC_": frozenset({"hooks"}),
    "AWS_": frozenset({"storage"}),
    "C2PA_": frozenset({"storage"}),
    "COMFYUI_": frozenset({"generator"}),
    "DATABASE_URL": frozenset({"ledger"}),
    "HF_": frozenset({"generator"}),
    "LINK_SIGNING_KEY": frozenset({"gateway", "storage"}),
    "MODAL_": frozenset({"generator"}),
    "NATS_": frozenset(
        {"gateway", "generator", "hooks", "ledger", "operator", "safety", "storage"}
    ),
    "OPENAI_": frozenset({"generator", "hooks", "safety"}),
    "R2_": frozenset({"storage"}),
    "REPLICATE_": frozenset({"generator"}),
    "S3_": frozenset({"storage"}),
}
MALLOC: Mapping[str, str] = {
    # Images pass through threads, and glibc would keep a heap for each of them: with two heaps
    # storage and generator peak 30 MB lower.
    "MALLOC_ARENA_MAX": "2",
    # It would keep what an image took, too. Given back at once, they peak 20 MB lower, for a tenth
    # more of processor time.
    "MALLOC_MMAP_THRESHOLD_": str(2**20),
}
DEFAULTS: Mapping[str, str] = {
    # Named here, for the embedded mode only: any other start without them is refused.
    "AI_IMAGE_PROVIDER": "preview",
    "SAFETY_JUDGES": "preview",
    "ENABLE_STRUCTURED_LOGGING": "false",
    # Links to weights in the embedded store lead back to this machine.
    "SDXL_LORA_ALLOW_HTTP_LOOPBACK": "true",
    **MALLOC,
}


def child_environment(
    service: str, user: Mapping[str, str], ours: Mapping[str, str]
) -> dict[str, str]:
    """Give `service` the user's variables and `ours`, minus credentials that are not its own."""
    merged = {**DEFAULTS, **user, **ours}
    return {
        name: value
        for name, value in merged.items()
        if not (DROPPED.fullmatch(name) and name not in ours) and _may_see(service, name)
    }


def _may_see(service: str, name: str) -> bool:
    for prefix, services in OWNERS.items():
        if name.startswith(prefix) and CREDENTIAL.search(name):
            return service in services
    if CREDENTIAL.search(name):
        return name.startswith(f"{service.upper()}_")
    return True

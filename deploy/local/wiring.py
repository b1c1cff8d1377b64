"""How the parts of one Atelier find each other: the settings that each process gets from us."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.blueprint import DOOR
from deploy.local.environment import child_environment
from deploy.local.nats_users import NatsUsers
from deploy.local.paths import REPOSITORY
from deploy.local.ports import DoorSocket
from shared.signing import VerdictSigner

LINK_MAKERS = (DOOR, "storage")
VERDICT_MAKER = "safety"
VERDICT_READERS = ("storage", "ledger")
# An address of the user's own; the part that it names is then not started.
OUTSIDE = ("NATS_URL", "DATABASE_URL")


def without_blanks(user: Mapping[str, str]) -> dict[str, str]:
    """Give the user's settings, where a blank address of a part counts as none."""
    return {name: text for name, text in user.items() if text.strip() or name not in OUTSIDE}


@dataclass(frozen=True, slots=True)
class Wiring:
    """Addresses and secrets; what the user has set goes before ours, except for the port."""

    user: Mapping[str, str]
    nats_url: str
    nats_users: NatsUsers | None
    database_url: str
    objects_dir: Path
    link_signing_key: str
    safety_signing_key: str
    door: DoorSocket

    def environment(self, service: str) -> dict[str, str]:
        """Give the environment in which to start a replica of `service`."""
        fixed = {
            "NATS_URL": self.nats_url,
            "DATABASE_URL": self.database_url,
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
        }
        if self.nats_users is not None:
            fixed["NATS_NKEY_SEED"] = self.nats_users.seed(service)
        if service == DOOR:
            fixed["GATEWAY_HOST"] = self.door.host
            fixed["GATEWAY_PORT"] = str(self.door.port)
        if service in LINK_MAKERS:
            fixed |= {name: self.user.get(name, ours) for name, ours in self._links().items()}
        if service == VERDICT_MAKER:
            fixed["SAFETY_SIGNING_KEY"] = self._seed
        if service in VERDICT_READERS:
            ours = VerdictSigner(bytes.fromhex(self._seed)).public_key
            fixed["VERDICT_PUBLIC_KEYS"] = self.user.get("VERDICT_PUBLIC_KEYS", ours)
        return child_environment(service, self.user, fixed)

    @property
    def _seed(self) -> str:
        return self.user.get("SAFETY_SIGNING_KEY", self.safety_signing_key)

    def _links(self) -> dict[str, str]:
        return {
            "PUBLIC_BASE_URL": self.door.url,
            "OBJECTS_DIR": str(self.objects_dir),
            "LINK_SIGNING_KEY": self.link_signing_key,
        }

"""`./dev atelier …`: the command line of operators, already told where this Atelier is."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.endpoint import Endpoint
from deploy.local.paths import DataDirectory
from deploy.local.private_files import read_private_json
from shared.permissions import OPERATOR

DATA = "ATELIER_DATA"


def told(user: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, with the addresses and keys that the running Atelier has left.

    What the user has set goes first. `ATELIER_DATA` names another data directory than `.atelier`.
    """
    given = user.get(DATA)
    directory = DataDirectory.at(Path(given) if given else None)
    kept = read_private_json(directory.endpoint_file)
    if kept is None:
        return dict(user)
    endpoint = Endpoint.from_json(kept)
    ours = {
        "ATELIER_URL": endpoint.url,
        "ATELIER_API_KEY": endpoint.api_key,
        "NATS_URL": endpoint.nats_url,
    }
    seed_file = endpoint.nats_seed_files.get(OPERATOR)
    if seed_file is not None and "NATS_URL" not in user:
        ours["NATS_NKEY_SEED"] = Path(seed_file).read_text().strip()
    return {**ours, **user}


if __name__ == "__main__":
    os.execve(  # noqa: S606 - our own interpreter, our own module
        sys.executable, [sys.executable, "-m", "cli", *sys.argv[1:]], told(os.environ)
    )

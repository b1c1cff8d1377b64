"""The command line of embedded mode, over services that die where a test wants it."""

from dataclasses import replace

from deploy.local.__main__ import main
from deploy.local.blueprint import module
from tests.outages.atelier import OURS

DYING = replace(
    OURS,
    services={
        name: module("tests.outages.dying", name, command[-1])
        for name, command in OURS.services.items()
    },
    supervisor=module("tests.outages.dying_atelier"),
)

if __name__ == "__main__":
    main(DYING)

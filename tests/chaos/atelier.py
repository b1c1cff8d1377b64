"""The command line of embedded mode, over services that reach their servers through the proxy."""

from dataclasses import replace

from deploy.local.__main__ import main
from deploy.local.blueprint import ATELIER, module

CHAOS = replace(
    ATELIER,
    services={name: module("tests.chaos.rerouted", name) for name in ATELIER.services},
    supervisor=module("tests.chaos.atelier"),
)

if __name__ == "__main__":
    main(CHAOS)

"""The command line of embedded mode; its key may ask as often as it likes."""

from dataclasses import replace

from deploy.local.__main__ import main
from deploy.local.blueprint import ATELIER, module

OURS = replace(
    ATELIER,
    issue_key=(*ATELIER.issue_key, "--limit", "1000000/60"),
    supervisor=module("tests.outages.atelier"),
)

if __name__ == "__main__":
    main(OURS)

"""The command line of embedded mode over fake services; run as a program."""

from deploy.local.__main__ import main
from deploy.local.blueprint import Blueprint, module


def fake(name: str, *options: str) -> tuple[str, ...]:
    """Give the command of a fake service."""
    return module("tests.local.fake_service", name, *options)


def fake_blueprint(**services: tuple[str, ...]) -> Blueprint:
    """Give a blueprint of a gateway, a generator and a ledger, changed by `services`."""
    usual = {
        "ledger": fake("ledger"),
        "generator": fake("generator"),
        "gateway": fake("gateway", "--http"),
    }
    return Blueprint(
        services={**usual, **services},
        migrate=module("tests.local.fake_step", "migrate"),
        provision=module("tests.local.fake_step", "provision"),
        issue_key=module("tests.local.fake_step", "issue-key"),
        supervisor=module("tests.local.fake_atelier"),
    )


if __name__ == "__main__":
    main(fake_blueprint())

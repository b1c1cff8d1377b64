"""The manifest of a delivered file, as the C2PA library takes it."""

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from shared.provenance import ASSERTION, CLAIM_GENERATOR, DIGITAL_SOURCE_TYPE, Provenance


def manifest_of(provenance: Provenance) -> str:
    """Made by a model: the action `c2pa.created`, and what is known of how."""
    created = {
        "action": "c2pa.created",
        "digitalSourceType": DIGITAL_SOURCE_TYPE,
        "softwareAgent": {"name": provenance.model},
    }
    return json.dumps(
        {
            "claim_generator_info": [{"name": CLAIM_GENERATOR, **_version()}],
            "title": provenance.piece_id,
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
                {"label": ASSERTION, "data": provenance.model_dump(mode="json")},
            ],
        }
    )


@cache  # looked up in the file system, and the same for as long as we run
def _version() -> dict[str, str]:
    try:
        return {"version": version("atelier")}
    except PackageNotFoundError:  # run from its sources
        return {}

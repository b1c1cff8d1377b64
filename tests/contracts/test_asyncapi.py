"""The AsyncAPI document is valid, points at nothing that is missing, and tells the truth."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from docs.generate import DOCS
from shared.events import FACTS, Fact
from shared.topology import STEPS, Topology
from tests.clients.packages import installed
from tests.contracts.golden_files import Golden, every_golden

DOCUMENT: dict[str, Any] = json.loads((DOCS / "asyncapi.json").read_text(encoding="utf-8"))
OUTSIDE = {"task.requested", "avatar.ready"}


@pytest.fixture(scope="session")
def official() -> jsonschema.Draft7Validator:
    """The schema that the makers of AsyncAPI publish."""
    schema = installed() / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
    return jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))


def test_the_document_is_valid(official: jsonschema.Draft7Validator) -> None:
    found = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in official.iter_errors(DOCUMENT)]
    assert found == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("operations", "content-hooked", "action"), "take"),
        (("channels", "task.requested", "parameters", "tenant"), {"schema": {}}),
        (("components", "schemas", "Brief", "type"), "objekt"),
        (("components", "messages", "TaskAccepted", "body"), {}),
    ],
    ids=str,
)
def test_the_official_schema_notices_mistakes(
    official: jsonschema.Draft7Validator, path: tuple[str, ...], wrong: object
) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = wrong
    assert not official.is_valid(document)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.NAME)
def test_a_fact_has_its_channel_and_says_whose_it_is(fact: type[Fact]) -> None:
    channel = DOCUMENT["channels"][fact.NAME]
    assert channel["x-stream"] == Topology().stream(fact)
    assert set(channel["parameters"]) == set(re.findall(r"{(\w+)}", channel["address"]))
    sides = {tag["name"] for tag in channel["tags"]} & {"inside", "outside"}
    assert len(sides) == 1
    actions = {
        operation["action"]
        for operation in DOCUMENT["operations"].values()
        if operation["channel"]["$ref"] == f"#/channels/{fact.NAME}"
    }
    assert ("send" in actions) is (fact.NAME not in OUTSIDE)


def test_every_consumer_is_an_operation() -> None:
    consumers = {
        operation["x-consumer"]["durable"]
        for operation in DOCUMENT["operations"].values()
        if "x-consumer" in operation
    }
    assert consumers == {step.durable for step in STEPS}


@pytest.mark.parametrize("golden", every_golden(), ids=lambda one: one.path.stem)
def test_a_golden_fact_is_what_the_document_says(golden: Golden) -> None:
    payload = DOCUMENT["components"]["messages"][golden.fact.__name__]["payload"]
    schema = payload | {"components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(golden.read())


def test_every_operation_says_which_service_does_it() -> None:
    for name, operation in DOCUMENT["operations"].items():
        assert operation.get("x-services") or name == "write.dead.letter", name


def test_an_answer_is_the_reply_of_its_call() -> None:
    for name, operation in DOCUMENT["operations"].items():
        if "reply" not in operation:
            continue
        call = name.removeprefix("answer.")
        assert operation["messages"][0]["$ref"].endswith(f"/{call}.request")
        assert operation["reply"]["messages"][0]["$ref"].endswith(f"/{call}.reply")

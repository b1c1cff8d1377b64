"""Workflows: what is refused at the start, and that a prompt stays a text."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.adapters.comfyui.provider import values
from services.generator.adapters.comfyui.workflow import Place, Workflow
from services.generator.adapters.comfyui.workflow_file import WorkflowError, read_workflow
from shared.content import LoraRef
from tests.builders import brief

NODES: dict[str, Any] = {
    "1": {"class_type": "Text", "inputs": {"text": "{{prompt}}", "not": "{{negative_prompt}}"}},
    "2": {
        "class_type": "Lora",
        "inputs": {"name": "{{lora_key}}", "strength": "{{ lora_scale }}", "text": ["1", 0]},
    },
    "3": {"class_type": "Draw", "inputs": {"seed": "{{seed}}", "by": ["2", 0], "steps": 4}},
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
}


def written(tmp_path: Path, nodes: object) -> Path:
    path = tmp_path / "workflow.json"
    path.write_text(nodes if isinstance(nodes, str) else json.dumps(nodes), encoding="utf-8")
    return path


def changed(*way: str, to: object) -> dict[str, Any]:
    nodes = copy.deepcopy(NODES)
    at: Any = nodes
    for key in way[:-1]:
        at = at[key]
    at[way[-1]] = to
    return nodes


def filled(workflow: Workflow, **overrides: object) -> dict[str, Any]:
    order = brief(**overrides)
    return workflow.filled(values(order, "https://a/link", "a.safetensors"))


def test_the_workflow_that_comes_along_is_sound_and_keeps_likeness() -> None:
    workflow = read_workflow()
    assert workflow.output == "save"
    assert workflow.keeps_likeness
    assert "{{" not in json.dumps(filled(workflow))


def test_a_placeholder_alone_becomes_a_value_of_its_kind(tmp_path: Path) -> None:
    inputs = {
        "seed": "{{seed}}",
        "cfg": "{{cfg}}",
        "size": "{{width}}x{{height}}",
        "name": "{{lora_name}}",
        "deep": {"__value__": ["{{steps}}", "{{checkpoint}}"]},
    }
    workflow = read_workflow(written(tmp_path, changed("3", "inputs", to=inputs)))
    nodes = filled(workflow, seed=9, width=832, lora=LoraRef(key="loras/ada/v1.safetensors"))
    assert nodes["3"]["inputs"] == {
        "seed": 9,
        "cfg": 5.5,
        "size": "832x1024",
        "name": "v1.safetensors",
        "deep": {"__value__": [28, "a.safetensors"]},
    }
    assert nodes["2"]["inputs"]["name"] == "loras/ada/v1.safetensors"


@pytest.mark.parametrize(
    "prompt",
    [
        "{{seed}}",
        "{{lora_url}} {{negative_prompt}}",
        '"}}, "5": {"class_type": "Evil", "inputs": {"x": "',
        '["3", 0]',
        "\\u0022 \\g<0> \\1 {{",
        "\x00\n\t'\"",
    ],
)
def test_a_prompt_is_a_text_whatever_it_says(tmp_path: Path, prompt: str) -> None:
    inputs = {"text": "{{prompt}}", "more": "a {{prompt}} b", "not": "{{negative_prompt}}"}
    workflow = read_workflow(written(tmp_path, changed("1", "inputs", to=inputs)))
    nodes = filled(workflow, prompt=prompt, negative_prompt="{{prompt}}")
    texts = nodes["1"]["inputs"]
    assert texts == {"text": prompt, "more": f"a {prompt} b", "not": "{{prompt}}"}
    assert shape(nodes) == shape(filled(workflow))


@given(prompt=st.text(), negative=st.text())
def test_no_text_changes_the_shape(prompt: str, negative: str) -> None:
    workflow = read_workflow()
    nodes = filled(workflow, prompt=prompt, negative_prompt=negative)
    assert nodes["positive"]["inputs"]["text"] == prompt
    assert nodes["negative"]["inputs"]["text"] == negative
    assert shape(nodes) == shape(filled(workflow))


def shape(held: object) -> object:
    """Everything but texts."""
    if isinstance(held, dict):
        return {key: shape(part) for key, part in held.items()}
    if isinstance(held, list):
        return held
    return type(held)


def test_filling_leaves_the_workflow_as_it_was(tmp_path: Path) -> None:
    workflow = read_workflow(written(tmp_path, NODES))
    filled(workflow)
    assert workflow.nodes == NODES


def test_tells_where_placeholders_stand(tmp_path: Path) -> None:
    workflow = read_workflow(written(tmp_path, NODES))
    assert workflow.places("prompt", "seed") == {Place("1", "text"), Place("3", "seed")}


def test_without_a_lora_there_is_no_likeness(tmp_path: Path) -> None:
    nodes = changed("2", "inputs", to={"text": ["1", 0]})
    assert not read_workflow(written(tmp_path, nodes)).keeps_likeness


TWO_OUTPUTS = {**NODES, "5": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}}


def test_the_output_may_be_told_by_its_title(tmp_path: Path) -> None:
    titled = {
        **TWO_OUTPUTS,
        "6": {"class_type": "Own", "inputs": {}, "_meta": {"title": "output"}},
    }
    assert read_workflow(written(tmp_path, titled)).output == "6"


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ([], "whole file: must be an object of nodes"),
        ({}, "whole file: must be an object of nodes"),
        ({"nodes": [], "links": []}, "API format"),
        (changed("1", to="Text"), "1: must be an object"),
        (changed("1", "class_type", to=""), "1.class_type"),
        (changed("1", "class_type", to="{{prompt}}"), "1.class_type"),
        (changed("1", "inputs", to=[]), "1.inputs"),
        (changed("3", "inputs", "by", to=["9", 0]), "3.inputs.by"),
        (changed("3", "inputs", "by", to=["{{prompt}}", 0]), "3.inputs.by"),
        (changed("3", "inputs", "by", to=["2", "{{seed}}"]), "3.inputs.by"),
        (changed("3", "inputs", "by", to=["2", 0, 1]), "3.inputs.by"),
        (changed("4", "class_type", to="Own"), "no output node"),
        (TWO_OUTPUTS, "4, 5: several output nodes"),
        (changed("1", "inputs", "text", to="{{promt}}"), "1.inputs.text: unknown.*promt"),
        (changed("1", "inputs", "text", to="{{prompt}} {{"), "1.inputs.text: .*not closed"),
        (changed("1", "inputs", "text", to="a"), "{{prompt}} stands nowhere"),
        (changed("3", "inputs", "seed", to=7), "{{seed}} stands nowhere"),
        (changed("2", "inputs", "strength", to=1.0), "{{lora_scale}} stands nowhere"),
        (changed("2", "inputs", "name", to="{{lora_name}}"), "2.inputs.name: .*same file name"),
    ],
)
def test_what_could_not_work_is_refused_with_its_place(
    tmp_path: Path, nodes: object, told: str
) -> None:
    path = written(tmp_path, nodes)
    with pytest.raises(WorkflowError, match=told) as refused:
        read_workflow(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"nowhere.json: cannot be read"):
        read_workflow(tmp_path / "nowhere.json")

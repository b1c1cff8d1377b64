"""Read a ComfyUI workflow from a file, and refuse what could not work."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.generator.adapters.comfyui.workflow import (
    LORA_NAMES,
    NAMES,
    PLACEHOLDER,
    Workflow,
    names_in,
    strings_in,
)

DEFAULT_FILE = Path(__file__).parents[2] / "workflows" / "sdxl_lora.json"

OUTPUT_TITLE = "output"
_SAVING = frozenset({"SaveImage", "PreviewImage"})
_NEEDED = ("prompt", "seed")


class WorkflowError(ValueError):
    """The file cannot be used; the message names it and the place at fault."""


def read_workflow(path: str | Path | None = None) -> Workflow:
    """The workflow of a file. Reads the disk: keep it off the event loop.

    Raises WorkflowError.
    """
    chosen = DEFAULT_FILE if path is None else Path(path)
    try:
        return _checked(json.loads(chosen.read_text(encoding="utf-8")))
    except OSError as exc:
        raise WorkflowError(f"{chosen}: cannot be read: {exc.strerror}") from exc
    except WorkflowError as exc:
        raise WorkflowError(f"{chosen}: {exc}") from None
    except (ValueError, RecursionError) as exc:
        raise WorkflowError(f"{chosen}: not JSON: {exc}") from exc


def _checked(nodes: Any) -> Workflow:
    if not isinstance(nodes, dict) or not nodes:
        raise WorkflowError("whole file: must be an object of nodes")
    if isinstance(nodes.get("nodes"), list):
        raise WorkflowError("whole file: saved for the editor; export it in API format")
    for key, node in nodes.items():
        _check_node(key, node, nodes)
    workflow = Workflow(nodes, _output_of(nodes))
    _check_placeholders(workflow)
    return workflow


def _check_node(key: str, node: Any, nodes: Mapping[str, Any]) -> None:
    if not isinstance(node, dict):
        raise WorkflowError(f"{key}: must be an object")
    class_type = node.get("class_type")
    if not isinstance(class_type, str) or not class_type or "{{" in class_type:
        raise WorkflowError(f"{key}.class_type: must be the name of a node class")
    if not isinstance(node.get("inputs"), dict):
        raise WorkflowError(f"{key}.inputs: must be an object")
    for name, held in node["inputs"].items():
        # To ComfyUI a list is always a link. No text can become one, whatever a prompt says.
        if isinstance(held, list) and not _is_link(held, nodes):
            raise WorkflowError(f"{key}.inputs.{name}: must link to a node: [id, number]")


def _is_link(held: list[Any], nodes: Mapping[str, Any]) -> bool:
    return (
        len(held) == 2
        and isinstance(held[0], str)
        and held[0] in nodes
        and "{{" not in held[0]
        and type(held[1]) is int
        and held[1] >= 0
    )


def _output_of(nodes: Mapping[str, Any]) -> str:
    titled = [key for key, node in nodes.items() if _title(node) == OUTPUT_TITLE]
    saving = [key for key, node in nodes.items() if node["class_type"] in _SAVING]
    outputs = titled or saving
    if not outputs:
        raise WorkflowError("whole file: no output node: add SaveImage, or title one `output`")
    if len(outputs) > 1:
        raise WorkflowError(f"{', '.join(outputs)}: several output nodes: title one `output`")
    return outputs[0]


def _title(node: Mapping[str, Any]) -> Any:
    meta = node.get("_meta")
    return meta.get("title") if isinstance(meta, dict) else None


def _check_placeholders(workflow: Workflow) -> None:
    for place, text in strings_in(workflow.nodes):
        if unknown := sorted(names_in(text) - NAMES):
            raise WorkflowError(f"{place}: unknown placeholder {{{{{unknown[0]}}}}}")
        rest = PLACEHOLDER.sub("", text)
        if "{{" in rest or "}}" in rest:
            raise WorkflowError(f"{place}: a placeholder that is not closed")
    used = workflow.used
    for name in _NEEDED:
        if name not in used:
            raise WorkflowError(f"whole file: {{{{{name}}}}} stands nowhere")
    _check_lora(workflow)


def _check_lora(workflow: Workflow) -> None:
    used = workflow.used
    if "lora_name" in used and not used & LORA_NAMES:
        place = min(map(str, workflow.places("lora_name")))
        raise WorkflowError(
            f"{place}: weights of several avatars may have the same file name: "
            "use {{lora_key}} or {{lora_url}}"
        )
    if used & LORA_NAMES and "lora_scale" not in used:
        raise WorkflowError("whole file: it has a LoRA, but {{lora_scale}} stands nowhere")

"""Files as peft, diffusers and kohya write them give the very changes that peft applies."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import state_dict_utils
from peft import LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from services.generator.sdxl.components import linears_of
from services.generator.sdxl.loras.reading.names import Names
from services.generator.sdxl.loras.reading.original_names import original_name
from services.generator.sdxl.weights import LoraWeights, Targets
from tests.generator.sdxl.loras.bits import Tensors, delta, read
from tests.generator.sdxl.tiny import tiny_pipeline

THEIRS: Any = state_dict_utils
LAYERS = 2
TARGETED = ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "ff.net.2", "time_emb_proj"]
TARGETED_TEXT = ["q_proj", "v_proj", "out_proj", "fc1"]


class Trained:
    """A tiny SDXL with adapters by peft in all three models, as a trainer has them in the end."""

    def __init__(self, alpha: int, **more: Any) -> None:
        pipeline = tiny_pipeline(layers_per_block=LAYERS)
        plain = {
            "unet": pipeline.unet,
            "text_encoder": pipeline.text_encoder,
            "text_encoder_2": pipeline.text_encoder_2,
        }
        unet, first, second = (linears_of(model) for model in plain.values())
        self.targets = Targets(unet=unet, text_encoders=(first, second))
        self.models: dict[str, Any] = {}
        for place, (part, model) in enumerate(plain.items()):
            modules = TARGETED if part == "unet" else TARGETED_TEXT
            config = LoraConfig(r=4, lora_alpha=alpha, target_modules=modules, **more)
            torch.manual_seed(place)
            self.models[part] = _with_adapter(model, config)
            for name, weight in self.models[part].named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(weight)

    def peft_state(self, part: str) -> Tensors:
        state: Tensors = get_peft_model_state_dict(self.models[part])
        return state

    def state(self) -> Tensors:
        """As diffusers collects it for saving: no prefix of peft's, but the part's."""
        return {
            f"{part}.{name.removeprefix('base_model.model.')}": weight
            for part in self.models
            for name, weight in self.peft_state(part).items()
        }

    def check(self, weights: LoraWeights, *parts: str) -> None:
        read_parts = {
            "unet": weights.unet,
            "text_encoder": weights.text_encoders[0],
            "text_encoder_2": weights.text_encoders[1],
        }
        for part, changes in read_parts.items():
            wanted = self._deltas(part) if part in parts else {}
            assert changes.keys() == wanted.keys()
            for path, change in changes.items():
                torch.testing.assert_close(delta(change), wanted[path], atol=1e-5, rtol=1e-5)

    def _deltas(self, part: str) -> Mapping[str, torch.Tensor]:
        return {
            name.removeprefix("base_model.model."): module.get_delta_weight("default").detach()
            for name, module in self.models[part].named_modules()
            if hasattr(module, "get_delta_weight")
        }


ALL = ("unet", "text_encoder", "text_encoder_2")


@pytest.fixture(scope="module")
def trained() -> Trained:
    return Trained(alpha=4)


@pytest.fixture(scope="module")
def scaled() -> Trained:
    return Trained(alpha=2)


def test_pefts_own_names(trained: Trained, tmp_path: Path) -> None:
    state = trained.peft_state("unet")
    assert all(name.startswith("base_model.model.") for name in state)
    trained.check(read(tmp_path, state, targets=trained.targets), "unet")


def test_names_of_diffusers(trained: Trained, tmp_path: Path) -> None:
    trained.check(read(tmp_path, trained.state(), targets=trained.targets), *ALL)


@pytest.mark.parametrize(
    "names",
    [
        {".lora_A.": ".lora.down.", ".lora_B.": ".lora.up."},
        {".lora_A.": ".lora_linear_layer.down.", ".lora_B.": ".lora_linear_layer.up."},
        {".lora_A.": ".lora_A.default.", ".lora_B.": ".lora_B.default."},
        {"unet.": "unet.base_model.model."},
        {"unet.": "base_model.model.unet."},
        {
            "text_encoder.": "text_encoder.text_model.",
            "text_encoder_2.text_model.": "text_encoder_2.",
        },
    ],
    ids=str,
)
def test_other_names_of_the_same(
    trained: Trained, tmp_path: Path, names: Mapping[str, str]
) -> None:
    state = trained.state()
    for ours, theirs in names.items():
        state = {
            name.replace(ours, theirs) if ours in name else name: weight
            for name, weight in state.items()
        }
    assert state.keys() != trained.state().keys()
    trained.check(read(tmp_path, state, targets=trained.targets), *ALL)


def test_the_oldest_names_of_diffusers(trained: Trained, tmp_path: Path) -> None:
    """Attention only: `attn1.processor.to_q_lora.down`, `self_attn.to_q_lora.down`."""
    state = {}
    for name, weight in trained.state().items():
        old = name.replace(".to_out.0.", ".to_out.").replace("out_proj", "to_out")
        old = old.replace("q_proj", "to_q").replace("v_proj", "to_v")
        if ".to_" in old:
            old = old.replace(".lora_A", "_lora.down").replace(".lora_B", "_lora.up")
        state[old.replace("attn1.", "attn1.processor.")] = weight
    assert any(".attn1.processor.to_out_lora.down.weight" in name for name in state)
    trained.check(read(tmp_path, state, targets=trained.targets), *ALL)


def test_a_file_that_diffusers_saved_with_its_settings(scaled: Trained, tmp_path: Path) -> None:
    StableDiffusionXLPipeline.save_lora_weights(
        tmp_path,
        **{f"{part}_lora_layers": _bare(scaled.peft_state(part)) for part in ALL},
        **{
            f"{part}_lora_adapter_metadata": _plain(scaled.models[part].peft_config["default"])
            for part in ALL
        },
    )
    content = (tmp_path / "pytorch_lora_weights.safetensors").read_bytes()
    assert b"lora_adapter_metadata" in content
    scaled.check(read(tmp_path, content, targets=scaled.targets), *ALL)


def test_rank_stabilised_scaling(tmp_path: Path) -> None:
    """Alpha over the root of the rank."""
    stable = Trained(alpha=2, use_rslora=True)
    settings = '{"unet.lora_alpha": 2, "unet.use_rslora": true}'
    state = {name: weight for name, weight in stable.state().items() if name.startswith("unet.")}
    weights = read(
        tmp_path, state, targets=stable.targets, metadata={"lora_adapter_metadata": settings}
    )
    stable.check(weights, "unet")


def test_kohyas_names_as_diffusers_converts_them(trained: Trained, tmp_path: Path) -> None:
    state = THEIRS.convert_state_dict_to_kohya(trained.state())
    assert any(name.startswith("lora_unet_down_blocks_1_") for name in state)
    trained.check(read(tmp_path, state, targets=trained.targets), *ALL)


def test_kohyas_original_names_with_alphas_as_numbers(scaled: Trained, tmp_path: Path) -> None:
    trainers = {"text_encoder": "lora_te1", "text_encoder_2": "lora_te2_text_model"}
    state: Tensors = {}
    for name, weight in scaled.state().items():
        part, _, rest = name.partition(".")
        path, matrix = rest.removesuffix(".weight").rsplit(".", 1)
        path = path.removeprefix("text_model.")
        called = original_name(path, LAYERS) if part == "unet" else path
        module = f"{trainers.get(part, 'lora_unet')}_{str(called).replace('.', '_')}"
        ending = "lora_down" if matrix == "lora_A" else "lora_up"
        state[f"{module}.{ending}.weight"] = weight
        state[f"{module}.alpha"] = torch.tensor(2.0)
    assert "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.alpha" in state
    scaled.check(read(tmp_path, state, targets=scaled.targets), *ALL)


def test_half_precision_stays_as_it_is(trained: Trained, tmp_path: Path) -> None:
    state = {name: weight.to(torch.bfloat16) for name, weight in trained.peft_state("unet").items()}
    save_file(state, tmp_path / "half")
    weights = read(tmp_path, (tmp_path / "half").read_bytes(), targets=trained.targets)
    for name, weight in load_file(tmp_path / "half").items():
        path, matrix = name.removeprefix("base_model.model.").split(".lora_")
        change = weights.unet[path]
        found = change.down if matrix == "A.weight" else change.up
        assert found.dtype is torch.bfloat16
        assert torch.equal(found, weight)


def test_every_target_can_be_named(trained: Trained) -> None:
    names = Names(trained.targets)
    for part, paths in zip(
        ALL, (trained.targets.unet, *trained.targets.text_encoders), strict=True
    ):
        for path in paths:
            found = names.find(f"{part}.{path}")
            assert found is not None
            assert found.path == path


def _with_adapter(model: Any, config: LoraConfig) -> Any:
    with warnings.catch_warnings():
        # What peft asks transformers about is on its way out there.
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, config)


def _bare(state: Tensors) -> Tensors:
    return {name.removeprefix("base_model.model."): weight for name, weight in state.items()}


def _plain(config: Any) -> dict[str, Any]:
    """The settings as trainers hand them over: sets become lists, what is not set is left out."""
    told = {name: value for name, value in config.to_dict().items() if value is not None}
    return {
        name: sorted(value) if isinstance(value, set) else value for name, value in told.items()
    }

"""Names in the full size of SDXL: every linear has its names, and diffusers agrees on them."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

from services.generator.sdxl.components import linears_of
from services.generator.sdxl.loras.reading.names import Names, Part, Place
from services.generator.sdxl.weights import Targets

MODEL: Any = UNet2DConditionModel
THEIRS: Any = StableDiffusionXLPipeline
ORIGINAL = re.compile(
    r"lora_unet_(input_blocks|middle_block|output_blocks|time_embed|label_emb)_.+"
)


@pytest.fixture(scope="module")
def unet() -> Any:
    """SDXL's base 1.0, without a single number."""
    with torch.device("meta"):
        return MODEL(
            sample_size=128,
            layers_per_block=2,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
            cross_attention_dim=2048,
        )


@pytest.fixture(scope="module")
def names(unet: Any) -> Names:
    return Names(Targets(unet=linears_of(unet), text_encoders=({}, {})))


@pytest.fixture(scope="module")
def original(names: Names) -> Mapping[str, Place]:
    found = names.called_by_kohya().items()
    return {name: place for name, place in found if ORIGINAL.fullmatch(name)}


def test_original_names_cover_every_linear_once(unet: Any, original: Mapping[str, Place]) -> None:
    paths = {place.path for name, place in original.items() if not name.endswith("_to_out")}
    assert paths == set(linears_of(unet))
    assert len(linears_of(unet)) == 743
    inside = [path for path in paths if ".attentions." in path]
    assert len(inside) == 722


def test_original_attentions_are_where_trainers_know_them(original: Mapping[str, Place]) -> None:
    """Blocks and depths as in Stability's own configuration of SDXL."""
    pattern = re.compile(
        r"lora_unet_(input_blocks_\d+|middle_block|output_blocks_\d+)_1_transformer_blocks_(\d+)_.+"
    )
    found = {match.groups() for name in original if (match := pattern.fullmatch(name))}
    depths = dict.fromkeys(("input_blocks_4", "input_blocks_5"), 2)
    depths |= dict.fromkeys(("input_blocks_7", "input_blocks_8", "middle_block"), 10)
    depths |= {f"output_blocks_{number}": 10 for number in range(3)}
    depths |= {f"output_blocks_{number}": 2 for number in range(3, 6)}
    assert found == {(block, str(layer)) for block in depths for layer in range(depths[block])}


def test_diffusers_maps_the_original_names_to_the_same_modules(
    unet: Any, original: Mapping[str, Place]
) -> None:
    attentions = {
        name: place
        for name, place in original.items()
        if ".attentions." in place.path and not name.endswith("_to_out")
    }
    number = {name: torch.tensor(float(place)) for place, name in enumerate(attentions)}
    state = {f"{name}.lora_down.weight": value for name, value in number.items()}
    state |= {f"{name}.lora_up.weight": value for name, value in number.items()}
    converted, _ = THEIRS.lora_state_dict(state, unet_config=unet.config)
    theirs = {int(value): key for key, value in converted.items() if ".down." in key}
    for name, value in number.items():
        place = names_of(theirs[int(value)])
        assert place == attentions[name].path


def names_of(key: str) -> str:
    """The module that diffusers means."""
    module = key.removeprefix("unet.").removesuffix(".lora.down.weight").replace(".processor", "")
    module = module.removesuffix("_lora.down.weight")
    return f"{module}.0" if module.endswith("to_out") else module


def test_no_two_modules_share_a_name(names: Names, unet: Any) -> None:
    for path, shape in linears_of(unet).items():
        place = Place(Part.UNET, path, shape)
        for name in (f"unet.{path}", path, f"lora_unet_{path.replace('.', '_')}"):
            assert names.find(name) == place
    assert names.find("lora_unet_input_blocks_3_0_op") is None
    assert names.width == 2048

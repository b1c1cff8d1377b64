"""Images of the size that was ordered, from those that were made."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from services.generator.adapters.fitting import (
    MOST_CUT_OFF,
    MOST_ENLARGED,
    FixedSizes,
    SizeGrid,
    Sizes,
    cut_off,
    enlarged,
    fit,
    fits,
)
from services.generator.adapters.image_gate import check_image
from services.generator.adapters.openai_images.models import sizes_of
from services.generator.adapters.replicate.models import Model
from services.generator.domain.failures import ProviderFailure
from tests.generator.worker_stub import png

EDGES = st.integers(64, 192).map(lambda eighths: 8 * eighths)
ANY_SHAPE = {
    "flux-1.1-pro": Model("black-forest-labs/flux-1.1-pro").sizes,
    "flux-schnell": Model("black-forest-labs/flux-schnell").sizes,
    "gpt-image-2": sizes_of("gpt-image-2"),
}


@pytest.mark.parametrize("model", ANY_SHAPE)
@given(width=EDGES, height=EDGES)
def test_these_models_can_make_every_size_that_may_be_ordered(
    model: str, width: int, height: int
) -> None:
    made = ANY_SHAPE[model].nearest(width, height)
    assert fits(made, (width, height))


@given(width=EDGES, height=EDGES)
def test_a_grid_keeps_to_its_limits(width: int, height: int) -> None:
    made = sizes_of("gpt-image-2.5-flare").nearest(width, height)
    assert all(edge % 16 == 0 and edge <= 3840 for edge in made)
    assert made[0] * made[1] >= 655_360
    assert max(made) <= 3 * min(made)
    flux = SizeGrid(step=32, shortest=256, longest=1440).nearest(width, height)
    assert all(edge % 32 == 0 and 256 <= edge <= 1440 for edge in flux)


@pytest.mark.parametrize(
    ("ordered", "asked"),
    [
        ((1024, 1024), (1024, 1024)),
        ((896, 1152), (1024, 1536)),
        ((1200, 1024), (1024, 1024)),
        ((1536, 864), (1536, 1024)),
    ],
)
def test_of_a_few_sizes_the_nearest_in_shape_is_asked_for(
    ordered: tuple[int, int], asked: tuple[int, int]
) -> None:
    three: Sizes = FixedSizes(((1024, 1024), (1536, 1024), (1024, 1536)))
    assert three.nearest(*ordered) == asked


@pytest.mark.parametrize(
    ("made", "ordered", "share"),
    [
        ((1024, 1024), (1024, 1024), 0.0),
        ((1024, 1024), (512, 512), 0.0),
        ((1024, 1024), (768, 1024), 0.25),
        ((1536, 1024), (1536, 512), 0.5),
    ],
)
def test_how_much_is_cut_off(made: tuple[int, int], ordered: tuple[int, int], share: float) -> None:
    assert cut_off(made, ordered) == pytest.approx(share)


def test_the_bounds_are_what_they_say() -> None:
    assert (MOST_CUT_OFF, MOST_ENLARGED) == (0.25, 1.6)
    assert fits((1024, 1024), (768, 1024))
    assert not fits((1024, 1024), (576, 1024))
    assert enlarged((1024, 1024), (1536, 1536)) == 1.5
    assert not fits((512, 512), (1024, 1024))


def test_what_has_its_size_is_not_touched() -> None:
    data = png(832, 1216)
    assert fit(data, 832, 1216) is data


def test_scaled_and_cut_but_never_stretched() -> None:
    # A circle in the middle stays one.
    drawn = Image.new("RGB", (1024, 1024), "teal")
    circle = Image.radial_gradient("L").resize((512, 512))
    drawn.paste(ImageOps.colorize(circle, "white", "black"), (256, 256))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    with Image.open(io.BytesIO(fit(out.getvalue(), 800, 1000))) as fitted:
        assert fitted.size == (800, 1000)
        across = [fitted.getpixel((x, 500)) for x in (200, 600)]
        along = [fitted.getpixel((400, y)) for y in (300, 700)]
    for one, other in zip(across, along, strict=True):
        assert isinstance(one, tuple)
        assert isinstance(other, tuple)
        assert one == pytest.approx(other, abs=6)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_what_was_fitted_passes_the_gate(form: str) -> None:
    out = io.BytesIO()
    with Image.open(io.BytesIO(png(1024, 1024))) as image:
        image.save(out, form)
    assert check_image(fit(out.getvalue(), 1000, 1000), 1000, 1000) == "image/png"


def test_noise_is_found_before_scaling_hides_it() -> None:
    out = io.BytesIO()
    Image.effect_noise((1024, 1024), 90).save(out, "PNG")
    with pytest.raises(ProviderFailure, match="noise"):
        fit(out.getvalue(), 1536, 1536)

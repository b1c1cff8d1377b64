"""PNGs that any reader reads, byte for byte the pixels."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from services.generator.sdxl.png import png


def read(data: bytes) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.mode) == ("PNG", "RGB")
    image.verify()
    return np.asarray(Image.open(io.BytesIO(data)))


@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
        elements=st.integers(0, 255),
    )
)
def test_gives_back_every_pixel(pixels: NDArray[np.uint8]) -> None:
    assert np.array_equal(read(png(pixels)), pixels)


@pytest.mark.parametrize("shape", [(64, 104, 3), (104, 64, 3)])
def test_width_is_not_height(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert np.array_equal(read(png(pixels)), pixels)


def test_smooth_pictures_become_small() -> None:
    ramp = np.linspace(0, 255, 256).astype(np.uint8)
    pixels = np.stack(np.broadcast_arrays(ramp, ramp[:, None], ramp[::-1]), axis=-1)
    assert len(png(np.ascontiguousarray(pixels))) < pixels.size / 20

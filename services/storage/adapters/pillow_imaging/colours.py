"""Colours as every reader shows them: an image's own profile is applied, then dropped."""

import io

from PIL import Image, ImageCms

_MOST_PROFILE_BYTES = 4 * 2**20
_CONVERTIBLE = {"RGB", "CMYK", "L"}
_SRGB = ImageCms.createProfile("sRGB")


def in_srgb(image: Image.Image) -> Image.Image:
    """A copy of the pixels in sRGB; one whose profile cannot be applied is taken for sRGB."""
    profile = image.info.get("icc_profile")
    pixels = image if image.mode in _CONVERTIBLE else image.convert("RGB")
    if profile and len(profile) <= _MOST_PROFILE_BYTES:
        converted = _converted(pixels, profile)
        if converted is not None:
            return converted
    return pixels.convert("RGB") if pixels.mode != "RGB" else pixels.copy()


def _converted(pixels: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if pixels.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(own):
            return None
        return ImageCms.profileToProfile(pixels, own, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None

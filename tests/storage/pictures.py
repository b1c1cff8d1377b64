"""Images as providers, and others, may send them."""

import io
import struct
import zlib
from itertools import pairwise

from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

CANARY = b"canary-prompt-of-a-portrait"
_TEXT = CANARY.decode()


def gradient(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """A picture whose corners can be told apart."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (across, down, across.point(lambda step: 255 - step))).convert(mode)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def chatty_png() -> bytes:
    """Tells its prompt in every way that a PNG can."""
    info = PngInfo()
    info.add_text("parameters", _TEXT)
    info.add_text("workflow", _TEXT, zip=True)
    info.add_itxt("XML:com.adobe.xmp", f"<x>{_TEXT}</x>")
    info.add_itxt("prompt", _TEXT, zip=True)
    info.add(b"prVt", CANARY)
    data = encoded(gradient(), pnginfo=info, exif=exif(), icc_profile=swapped_profile(_TEXT))
    return data + CANARY


def chatty_jpeg() -> bytes:
    """Tells its prompt in every way that a JPEG can."""
    data = encoded(
        gradient(),
        "JPEG",
        comment=CANARY,
        exif=exif(),
        xmp=b"<x>" + CANARY + b"</x>",
        icc_profile=swapped_profile(_TEXT),
    )
    resource = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + struct.pack(">I", len(CANARY)) + CANARY
    iptc = b"\xff\xed" + struct.pack(">H", len(resource) + 2) + resource
    return data[:2] + iptc + data[2:] + CANARY


def chatty_webp() -> bytes:
    """Tells its prompt in every way that a WebP can."""
    return encoded(
        gradient(),
        "WEBP",
        exif=exif(),
        xmp=b"<x>" + CANARY + b"</x>",
        icc_profile=swapped_profile(_TEXT),
    )


def exif(orientation: int = 1) -> Image.Exif:
    told = Image.Exif()
    told[ExifTags.Base.Orientation] = orientation
    told[ExifTags.Base.ImageDescription] = _TEXT
    told.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = CANARY
    return told


def swapped_profile(name: str = "swapped") -> bytes:
    """An ICC profile for which red is what others call green, and the other way round."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = struct.unpack_from(">I", profile, 128)[0]
    table = {
        profile[at : at + 4]: profile[at + 4 : at + 12] for at in range(132, 132 + 12 * count, 12)
    }
    tags = table | {b"rXYZ": table[b"gXYZ"], b"gXYZ": table[b"rXYZ"]}
    entries = b"".join(tag + place for tag, place in tags.items())
    changed = profile[:132] + entries + profile[132 + len(entries) :]
    return _renamed(changed, table[b"desc"], name)


def _renamed(profile: bytes, place: bytes, name: str) -> bytes:
    """With a description that does not speak of sRGB."""
    offset, size = struct.unpack(">II", place)
    text = name.encode("utf-16-be")[: size - 28].ljust(size - 28, b"\0")
    return profile[: offset + 28] + text + profile[offset + size :]


def png_of_size(width: int, height: int) -> bytes:
    """A few bytes that claim any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def is_brighter_to_the_right(image: Image.Image) -> bool:
    """Whether the first band grows from left to right, as in `gradient`."""
    band = image.getchannel(0)
    row = [band.getpixel((x, band.height // 2)) for x in range(0, band.width, 8)]
    return all(one <= other for one, other in pairwise(map(_number, row)))


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return value

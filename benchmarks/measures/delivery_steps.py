"""What each step of a delivery takes, in this process and one after the other."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks._figures import Table, percentile
from benchmarks.provider.image import REAL_PX, png
from services.storage.adapters.credentials import open_credentials
from services.storage.adapters.pillow_imaging.decoding import decode
from services.storage.adapters.pillow_imaging.encoding import FORMS, encode, encode_thumbnail
from shared.provenance import Provenance

_ROUNDS = 30
_QUALITY = 90


def delivery_steps() -> Table:
    """Median and p90 of the processor time, in milliseconds."""
    image = png(REAL_PX)
    _, pixels = decode(image)
    jpeg, webp = encode(pixels, FORMS["JPEG"], _QUALITY), encode(pixels, FORMS["WEBP"], _QUALITY)
    thumbnail = encode_thumbnail(pixels)
    with TemporaryDirectory(prefix="atelier-bench-") as directory:
        credentials = open_credentials(
            certificate_file=None, private_key_file=None, development_dir=Path(directory)
        )
        steps: dict[str, Callable[[], object]] = {
            f"decode {REAL_PX}² PNG": lambda: decode(image),
            "copy, JPEG": lambda: encode(pixels, FORMS["JPEG"], _QUALITY),
            "copy, WebP": lambda: encode(pixels, FORMS["WEBP"], _QUALITY),
            "thumbnail": lambda: encode_thumbnail(pixels),
            "credentials of the JPEG": lambda: credentials.sign(jpeg, _MADE),
            "credentials of the WebP": lambda: credentials.sign(webp, _MADE),
            "credentials of the thumbnail": lambda: credentials.sign(thumbnail, _MADE),
        }
        rows = tuple((name, _timed(step)) for name, step in steps.items())
    return Table("A delivery's steps, CPU ms", ("median", "p90"), rows)


def _timed(step: Callable[[], object]) -> tuple[float, float]:
    took_ms = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        step()
        took_ms.append((time.process_time() - began) * 1000)
    return percentile(took_ms, 0.5), percentile(took_ms, 0.9)


_MADE = Provenance(
    piece_id="benchmark",
    run=1,
    source_sha256="0" * 64,
    model="stabilityai/stable-diffusion-xl-base-1.0",
    ordered_at=datetime(2026, 1, 1, tzinfo=UTC),
    generation_time_ms=4000,
)

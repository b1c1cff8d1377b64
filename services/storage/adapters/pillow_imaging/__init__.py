"""Decoding, delivery copies and thumbnails with Pillow."""

from services.storage.adapters.pillow_imaging.encoding import THUMBNAIL_PX
from services.storage.adapters.pillow_imaging.imaging import PillowImaging

__all__ = ["THUMBNAIL_PX", "PillowImaging"]

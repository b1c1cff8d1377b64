"""The illustrator behind the `preview` provider: draws labelled placeholder portraits, deterministically."""

from services.generator.preview.features import Features, features
from services.generator.preview.painter import paint

__all__ = ["Features", "features", "paint"]

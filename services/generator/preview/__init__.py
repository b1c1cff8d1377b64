"""The illustrator behind the `preview` provider: labelled placeholders, the same every time."""

from services.generator.preview.painter import paint
from services.generator.preview.person.features import Features, features

__all__ = ["Features", "features", "paint"]

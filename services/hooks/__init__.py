"""Consumes `image.generated`, writes captions, publishes `content.hooked`."""

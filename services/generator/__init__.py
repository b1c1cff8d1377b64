"""Consumes `content.requested`, has an image made by a provider, publishes `image.generated`."""

"""Consumes `content.hooked`, judges image and captions, publishes `content.moderated`."""

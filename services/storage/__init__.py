"""Consumes `content.moderated`, files as the verdict allows, publishes `content.stored`."""

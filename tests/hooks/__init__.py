"""Captions: which ones fit, and where they come from."""

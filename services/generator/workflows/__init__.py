"""Workflows that come along, in the format of the API of ComfyUI."""

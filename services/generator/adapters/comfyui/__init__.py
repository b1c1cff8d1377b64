"""The provider `comfyui`: workflows of the operator's on a ComfyUI server."""

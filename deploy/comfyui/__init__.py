"""What a ComfyUI server needs to make images for Atelier."""

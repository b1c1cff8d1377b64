"""SDXL with many LoRAs at once: an image engine of our own, for the router and for HTTP alike."""

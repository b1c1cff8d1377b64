"""An SDXL to measure on, avatars' weights for it, and our engine with both."""

"""The provider `sdxl_local`: our own engine, in the generator's process."""

"""The provider `modal_sdxl_lora`: the SDXL + LoRA worker, by HTTP or as a Modal function."""

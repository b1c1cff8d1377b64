"""diffusers' own pipeline behind a queue, as its documentation shows how to change LoRAs."""

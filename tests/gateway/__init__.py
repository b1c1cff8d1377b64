"""The gateway: planning, prompts, and the HTTP door."""

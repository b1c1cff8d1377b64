"""LiteLLM's image router with the same providers, limits and fallbacks."""

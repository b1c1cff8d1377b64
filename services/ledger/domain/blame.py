"""Which failed calls say something against the provider."""

NOT_THE_PROVIDERS = frozenset(
    {
        "CONTENT_FILTERED",
        "INVALID_PROMPT",
        "LORA_DOWNLOAD_FAILED",
        "LORA_LOAD_FAILED",
        "RATE_LIMITED",
        "REFUSED",
    }
)
"""Error codes of calls that it was right to refuse, or too busy to take."""

"""What to do about a failure that a trial has met."""

from services.generator.domain.failures import ProviderFailure

_NEXT = {
    "CONNECTION": "Look at the provider's address, and whether this machine reaches it.",
    "TIMEOUT": "Try again: a cold worker takes longer. If it goes on, raise the time limit.",
    "RATE_LIMITED": "Wait, and look at what else calls it with the same token.",
    "UNAUTHORIZED": "Look at its token, and at what it may do.",
    "NO_CREDIT": "Look at the balance of its account.",
    "CONTENT_FILTERED": "Give another --prompt: the provider's filter refuses this one.",
    "REFUSED": "Look at the model that it is asked for, and at its address.",
    "SERVER_ERROR": "Look at the provider's log or status page, and try again later.",
    "BAD_RESPONSE": "Look at what is served at its address; --out keeps an image to look at.",
    "LORA_DOWNLOAD_FAILED": "Make a fresh link, and see that the worker may reach it.",
    "LORA_LOAD_FAILED": "Look at the weights: workers apply safetensors made for their model.",
    "INVALID_PROMPT": "Give another --prompt.",
    "MODEL_LOAD_FAILED": "Look at the worker's log.",
    "CUDA_OOM": "Look at what else uses the worker's GPU.",
}
_OTHERWISE = "Look at the provider's log."
_BILLED = "It may have been billed all the same: look at the bill."


def next_step(failure: ProviderFailure) -> str:
    """A sentence or two for whoever runs the provider."""
    step = _NEXT.get(failure.code, _OTHERWISE)
    if failure.retry_after_s:
        step = f"Wait {failure.retry_after_s:.0f} s. {step}"
    return f"{step} {_BILLED}" if failure.outcome == "unknown" else step

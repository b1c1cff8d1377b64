"""Why weights could not be applied. The generator reads the code at a message's beginning.

ComfyUI logs messages and tracebacks: neither may hold a link.
"""


class LoraDownloadFailed(RuntimeError):
    """Another link, or another time, may do."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"LORA_DOWNLOAD_FAILED: {detail}")


class LoraLoadFailed(RuntimeError):
    """The file itself is of no use."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"LORA_LOAD_FAILED: {detail}")

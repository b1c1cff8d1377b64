"""The image worker: our own engine behind HTTP, by docs/worker-contract.md."""

"""The AsyncAPI document: every fact, who waits for it, and every call between services."""

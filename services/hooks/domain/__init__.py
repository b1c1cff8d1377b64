"""Decide about captions: what is asked for, whose an answer is, what fits, what it cost."""

from services.hooks.domain.limits import PlatformLimits
from services.hooks.domain.picking import pick_hooks

__all__ = ["PlatformLimits", "pick_hooks"]

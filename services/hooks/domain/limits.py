"""What a platform takes in one caption."""

import re
from dataclasses import dataclass

_HASHTAG = re.compile(r"#\w+")
_DOUBLE_WIDTH = re.compile(r"[^\u0000-\u10ff]")
_PICTURE = "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
_DRESS = "[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]*"
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}{_DRESS}(?:\u200d{_PICTURE}{_DRESS})*")


@dataclass(frozen=True, slots=True)
class PlatformLimits:
    """How much a platform takes: characters, and hashtags, emoji and line breaks among them.

    `aim_chars` is what a model is asked to stay below: what is read without unfolding the post.
    """

    max_chars: int
    max_hashtags: int
    max_emoji: int = 10
    max_line_breaks: int = 10
    aim_chars: int = 200

    def admit(self, caption: str) -> bool:
        """Whether the caption may be posted as it is."""
        return (
            caption_length(caption) <= self.max_chars
            and len(_HASHTAG.findall(caption)) <= self.max_hashtags
            and emoji_in(caption) <= self.max_emoji
            and caption.count("\n") <= self.max_line_breaks
        )


def caption_length(caption: str) -> int:
    """Characters as X counts them, emoji and most symbols double; no platform counts more."""
    return len(caption) + len(_DOUBLE_WIDTH.findall(caption))


def emoji_in(caption: str) -> int:
    """Emoji as people count them: a flag, a family or a thumb of any colour is one."""
    return len(_EMOJI.findall(caption))


def without_hashtags(caption: str) -> str:
    """The caption's other words."""
    return _HASHTAG.sub("", caption)

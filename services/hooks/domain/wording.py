"""Whether a model's caption is words and nothing else."""

import re
import unicodedata

_ADDRESS = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|net|org|io|me|to|ly|co|gg|app|xyz)\b", re.IGNORECASE
)
_MENTION = re.compile(r"(?<!\w)@\w")
_MARKUP = re.compile(r"</?[a-z!]|&(?:#\w+|[a-z]+);|[{}`\\]|\[[^\]]*\]\(", re.IGNORECASE)
_TRIGGER = re.compile(r"\bTOK_", re.IGNORECASE)
# Line ends are counted elsewhere. The others join the parts of an emoji, and choose between its
# looks; some scripts need the last one.
_MAY_BE_UNSEEN = frozenset("\n\u200d\ufe0f\u200c")


def is_plain(caption: str) -> bool:
    """No address, mention, markup, trigger word or character that nobody sees.

    None of them belongs in a caption that somebody posts under a name of theirs unread.
    """
    marks = (_ADDRESS, _MENTION, _MARKUP, _TRIGGER)
    return not any(mark.search(caption) for mark in marks) and not any(map(_is_unseen, caption))


def _is_unseen(character: str) -> bool:
    is_odd = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}
    return is_odd and character not in _MAY_BE_UNSEEN

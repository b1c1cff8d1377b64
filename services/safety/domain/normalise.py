"""One spelling for all the ways to write a character: what the eye takes for the same is the same.

Reading goes character by character, so it is linear, and what was read once reads the same again.
"""

import re
import unicodedata

from services.safety.domain.lookalikes import INVISIBLE_LETTERS, lookalikes

_APOSTROPHES = frozenset("'`\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201b\u2032\uff07")
_LINE_BREAKS = frozenset("\n\r\v\f\u0085\u2028\u2029")
_TILDED_N = "ñ"  # another letter, not an accent: niña is no Nina
_KEPT = frozenset({" ", "\n", _TILDED_N})
_DECORATED_LATIN = re.compile(r"LATIN (?:\w+ )*LETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .*)?$")
_VIRAMA = 9  # joins Indic consonants; every other combining class decorates
_KNOWN_CHARACTERS = 50_000
_LOOKALIKES = lookalikes()


class _Reading(dict[int, str]):
    """A `str.translate` table that works out a character when it first meets it."""

    def __missing__(self, code: int) -> str:
        read = _read(chr(code))
        if len(self) < _KNOWN_CHARACTERS:
            self[code] = read
        return read


def cased(text: str) -> str:
    """The text in one spelling, capitals kept; `cased(text).lower()` is `normalise(text)`."""
    return unicodedata.normalize("NFC", text).translate(_READING)


def normalise(text: str) -> str:
    """Lower case, decomposed, without marks and invisible characters, look-alikes as Latin.

    What is no letter, mark, digit or ASCII sign becomes a space. Idempotent; takes any string,
    lone surrogates too.
    """
    return cased(text).lower()


def _read(char: str) -> str:
    small = _fold(char)
    capital = small.upper()
    if char != char.lower() and len(small) == 1 == len(capital) and capital.lower() == small:
        return capital
    return small


def _fold(char: str) -> str:
    if special := _special(char):
        return special[0]
    folded = char.casefold()
    if folded == char:
        folded = unicodedata.normalize("NFKD", char)
    return folded if folded == char else "".join(_fold(part) for part in folded)


def _special(char: str) -> tuple[str] | None:
    """How to read a character that is not simply decomposed."""
    if char in _KEPT:
        return (char,)
    if char in _LINE_BREAKS:
        return ("\n",)
    if char in _APOSTROPHES or char in INVISIBLE_LETTERS or _is_a_fraction(char):
        return ("",)
    if (alike := _LOOKALIKES.get(char)) is not None:
        return (alike,)
    if (digit := unicodedata.decimal(char, None)) is not None:
        return (str(digit),)
    return _by_category(char)


def _by_category(char: str) -> tuple[str] | None:
    category = unicodedata.category(char)
    if category in {"Cf", "Me"}:
        return ("",)
    if category == "Mn":
        decorates = unicodedata.combining(char) not in {0, _VIRAMA} or _selects_a_variant(char)
        return ("",) if decorates else (char,)
    if category == "Pd":
        return ("-",)
    if _decomposes(char):
        return None
    if decorated := _DECORATED_LATIN.match(unicodedata.name(char, "")):
        return (decorated[1].lower(),)
    return _unless_spoken(char, category)


def _unless_spoken(char: str, category: str) -> tuple[str] | None:
    if category[0] in "LN" or category == "Mc":
        return None
    return (char if char.isascii() and char.isprintable() else " ",)


def _is_a_fraction(char: str) -> bool:
    # Its digits would run into those before it: 15½ must stay 15.
    return unicodedata.decomposition(char).startswith("<fraction>")


def _selects_a_variant(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _decomposes(char: str) -> bool:
    return unicodedata.normalize("NFKD", char) != char


_READING = _Reading()

"""Which numbers tell of somebody under age, where a phrase makes them an age or a year of birth."""

from datetime import date

ADULT_AT = 18
"""Years. Blocks below it, and where it is in doubt."""

OLDEST = 120
"""Years; larger numbers are no age."""

YOUNGEST_TEEN = 9
"""Years; bare numbers below it seldom mean a person's age."""


_CENTURY = 2000
_TWO_DIGITS = 100


def is_minor(age: int) -> bool:
    """Whether an age in years is below the limit."""
    return age < ADULT_AT


def is_adult(age: int) -> bool:
    """Whether an age in years is one of an adult, and of a person at all."""
    return ADULT_AT <= age <= OLDEST


def may_be_minor(birth_year: int, today: date) -> bool:
    """Whether somebody born in that year may still be under age.

    In the year of the eighteenth birthday it depends on the day: that is a doubt.
    """
    return today.year - ADULT_AT <= birth_year <= today.year + 1


def may_be_at_school(class_of: int, today: date) -> bool:
    """Whether who leaves school in that year, written in two digits or in four, may be under age.

    People leave at eighteen or a little before it: the class of this year is a doubt.
    """
    year = class_of + _CENTURY if class_of < _TWO_DIGITS else class_of
    return today.year <= year <= today.year + ADULT_AT


def is_minor_in_months(age: int) -> bool:
    """Whether an age in months is below the limit."""
    return age < ADULT_AT * 12

"""Which numbers tell of somebody under age, where a phrase makes them an age or a year of birth."""

from datetime import date

ADULT_AT = 18
"""Years. Blocks below it, and where it is in doubt."""

YOUNGEST_TEEN = 9
"""Years; bare numbers below it seldom mean a person's age."""


def is_minor(age: int) -> bool:
    """Whether an age in years is below the limit."""
    return age < ADULT_AT


def may_be_minor(birth_year: int, today: date) -> bool:
    """Whether somebody born in that year may still be under age.

    In the year of the eighteenth birthday it depends on the day: that is a doubt.
    """
    return today.year - ADULT_AT <= birth_year <= today.year + 1


def is_minor_in_months(age: int) -> bool:
    """Whether an age in months is below the limit."""
    return age < ADULT_AT * 12

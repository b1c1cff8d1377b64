"""What a scenario has measured, printed for `pytest -rP`."""

# ruff: noqa: T201 - telling is what it is for


def tell(scenario: str, **figures: float | str) -> None:
    """Print one line: the scenario, and each figure by a name with its unit."""
    shown = (
        f"{name}={figure:.2f}" if isinstance(figure, float) else f"{name}={figure}"
        for name, figure in figures.items()
    )
    print(f"measured: {scenario}: {', '.join(shown)}")

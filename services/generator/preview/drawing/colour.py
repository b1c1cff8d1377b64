"""Colours as RGB triples, and the few ways of mixing them that the painter needs."""

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` at share 0, `second` at share 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float) -> Colour:
    """Towards white by `share`."""
    return mix(colour, WHITE, share)


def darker(colour: Colour, share: float) -> Colour:
    """Towards a warm near-black by `share`, so that shadows do not turn grey."""
    return mix(colour, (22, 12, 24), share)


def luminance(colour: Colour) -> float:
    """Perceived lightness in [0, 1]."""
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def skin_shade(skin: Colour) -> Colour:
    """The same skin out of the light: warmer and darker, never grey."""
    return darker(mix(skin, (168, 62, 52), 0.24), 0.10 + 0.10 * (1 - luminance(skin)))

"""The lines that all garments are cut along, in half face widths; x grows outwards."""

from services.generator.preview.drawing.curves import path

SIDE = path(
    "1.15,2.04 1.68,2.24 1.94,2.56 1.86,3.1 1.62,3.9 1.46,5.3 1.64,6.6 1.7,7.55 1.7,7.55 0,7.62"
)
TRIM = path("-0.56,1.865 -0.34,2.205 0,2.305 0.34,2.205 0.56,1.865")

"""What Replicate's models take and make: https://replicate.com/black-forest-labs/flux-1.1-pro/api."""

from dataclasses import dataclass
from typing import Any

from services.generator.adapters.fitting import FixedSizes, Size, SizeGrid, Sizes
from shared.content import Brief

# What the models without free sizes make of an aspect ratio, at a megapixel.
_BY_RATIO: dict[Size, str] = {
    (1024, 1024): "1:1",
    (1344, 768): "16:9",
    (768, 1344): "9:16",
    (1536, 640): "21:9",
    (640, 1536): "9:21",
    (1216, 832): "3:2",
    (832, 1216): "2:3",
    (1152, 896): "4:3",
    (896, 1152): "3:4",
    (1088, 896): "5:4",
    (896, 1088): "4:5",
}
_ONLY_RATIOS = frozenset({"black-forest-labs/flux-dev", "black-forest-labs/flux-schnell"})


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its name in the settings: `owner/name`, or `owner/name:version`.

    One that is not known here is taken for the like of `flux-1.1-pro`. None of them takes a
    negative prompt, and each decides on its steps.
    """

    name: str

    @property
    def path(self) -> str:
        """Where its predictions are made. Official models have no version to name."""
        return "predictions" if self._version else f"models/{self.name}/predictions"

    @property
    def sizes(self) -> Sizes:
        """What it can make."""
        if self.base in _ONLY_RATIOS:
            return FixedSizes(tuple(_BY_RATIO))
        return SizeGrid(step=32, shortest=256, longest=1440)

    @property
    def base(self) -> str:
        """Its name, whatever the version."""
        return self.name.partition(":")[0]

    @property
    def _version(self) -> str:
        return self.name.partition(":")[2]

    def request(self, brief: Brief) -> dict[str, Any]:
        """The body of a prediction."""
        made = {"prompt": brief.prompt, "seed": brief.seed, "output_format": "png"}
        body: dict[str, Any] = {"input": made | self._shape(brief)}
        return body | ({"version": self.name} if self._version else {})

    def _shape(self, brief: Brief) -> dict[str, Any]:
        width, height = self.sizes.nearest(brief.width, brief.height)
        if self.base in _ONLY_RATIOS:
            return {"aspect_ratio": _BY_RATIO[width, height]}
        return {"aspect_ratio": "custom", "width": width, "height": height}

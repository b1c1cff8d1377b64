"""What `classifier.json` says about the model beside it."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

MODEL_FILE = "model.onnx"
DESCRIPTION_FILE = "classifier.json"

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Index = Annotated[int, Field(ge=0, le=100_000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class ClassifierError(ValueError):
    """The classifier cannot be used; the message says why, in one line."""


class Description(BaseModel):
    """How the model is shown an image, and what its outputs mean.

    A category's score is the sum of its outputs after the activation. `mean` and `std` are of
    channels in 0 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    version: Name
    width: int = Field(ge=8, le=2048)
    height: int = Field(ge=8, le=2048)
    layout: Literal["nchw", "nhwc"] = "nchw"
    mean: tuple[Number, Number, Number] = (0.0, 0.0, 0.0)
    std: tuple[Number, Number, Number] = (1.0, 1.0, 1.0)
    activation: Literal["none", "sigmoid", "softmax"]
    categories: Mapping[Name, Annotated[tuple[Index, ...], Field(min_length=1)]] = Field(
        min_length=1
    )

    @model_validator(mode="after")
    def _can_be_computed(self) -> Self:
        if any(math.isclose(each, 0) or each < 0 for each in self.std):
            raise ValueError("std must be above 0")
        for category, indices in self.categories.items():
            if len(set(indices)) != len(indices):
                raise ValueError(f"{category} names an output twice")
            if len(indices) > 1 and self.activation != "softmax":
                # Only parts of a whole may be added up.
                raise ValueError(f"{category}: several outputs need the activation softmax")
        return self


def read_description(directory: Path) -> Description:
    """The description in a directory. Raises ClassifierError."""
    path = directory / DESCRIPTION_FILE
    try:
        return Description.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise ClassifierError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'whole file'}: {fault['msg']}"
            for fault in exc.errors(include_url=False, include_input=False)
        )
        raise ClassifierError(f"{path}: {'; '.join(faults)}") from exc

"""The six architectures of the founding use, in their published sizes and in small ones for demonstrations.

Importing this package loads torch. `build("resnet50")` gives the published ResNet-50 with random weights,
`build("resnet50", "demo")` a small network of the same code; `build_full` packs the published six.
"""

from consilia.models.full_size import build_full, imagenet_pipeline
from consilia.models.registry import FAMILIES, ConfigName, Family, build, find_family, input_shape

__all__ = [
    "FAMILIES",
    "ConfigName",
    "Family",
    "build",
    "build_full",
    "find_family",
    "imagenet_pipeline",
    "input_shape",
]

"""The networks, by name or as "package.module:factory", each built with any norm.

A factory is `factory(norm, num_classes, in_channels)`, where `norm(num_channels)` makes a layer; its options are
keywords after these. `image_size` and `dropout` are handed to factories that have such a keyword. PyTorch is imported
when a network is built.
"""

from whichnorm.models.build import build_model, default_input_shape
from whichnorm.models.factory import Factory, ImageSize, Norm
from whichnorm.models.networks import NETWORKS, Network, check_name, factory_name, load_factory

__all__ = [
    "NETWORKS", "Factory", "ImageSize", "Network", "Norm", "build_model", "check_name", "default_input_shape",
    "factory_name", "load_factory",
]  # fmt: skip

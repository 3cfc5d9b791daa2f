"""Normalizations: a file for each with its spec, the list of them all, the layers, and their arithmetic.

This package, which holds the specs, does not import PyTorch; `whichnorm.norms.layers` and `whichnorm.norms.kernel` do.
"""

from whichnorm.norms.batch_norm import BatchNormSpec
from whichnorm.norms.channel_layer_norm import ChannelLayerNormSpec
from whichnorm.norms.element_layer_norm import ElementLayerNormSpec
from whichnorm.norms.group_norm import GroupNormSpec
from whichnorm.norms.instance_norm import InstanceNormSpec
from whichnorm.norms.layer_norm import LayerNormSpec
from whichnorm.norms.no_norm import NoNormSpec
from whichnorm.norms.registry import FORMS, NORMS, parse_norm
from whichnorm.norms.spec import EPS, NormSpec, Shape

__all__ = [
    "EPS",
    "FORMS",
    "NORMS",
    "BatchNormSpec",
    "ChannelLayerNormSpec",
    "ElementLayerNormSpec",
    "GroupNormSpec",
    "InstanceNormSpec",
    "LayerNormSpec",
    "NoNormSpec",
    "NormSpec",
    "Shape",
    "parse_norm",
]

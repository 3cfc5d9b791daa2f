"""Normalization layers: their specs and text forms, the layers, and the arithmetic."""

from whichnorm.norms.layers import NORM_LAYERS, norm_layers, norm_parameter_names
from whichnorm.norms.specs import (
    EPS,
    FORMS,
    BatchNormSpec,
    ChannelLayerNormSpec,
    ElementLayerNormSpec,
    GroupNormSpec,
    InstanceNormSpec,
    LayerNormSpec,
    NoNormSpec,
    NormSpec,
    parse_norm,
)

__all__ = [
    "EPS",
    "FORMS",
    "NORM_LAYERS",
    "BatchNormSpec",
    "ChannelLayerNormSpec",
    "ElementLayerNormSpec",
    "GroupNormSpec",
    "InstanceNormSpec",
    "LayerNormSpec",
    "NoNormSpec",
    "NormSpec",
    "norm_layers",
    "norm_parameter_names",
    "parse_norm",
]

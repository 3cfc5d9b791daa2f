"""Grad-CAM: where a network finds evidence for a class, for the same test images in every arm of a study."""

from whichnorm.gradcam.layers import default_layer
from whichnorm.gradcam.maps import grad_cam, is_empty, upsample
from whichnorm.gradcam.study import Agreement, ArmMaps, StudyMaps, Target, maps_or_reason, study_maps

__all__ = [
    "Agreement", "ArmMaps", "StudyMaps", "Target", "default_layer", "grad_cam", "is_empty", "maps_or_reason",
    "study_maps", "upsample",
]  # fmt: skip

"""Gradient norms, dead ReLU channels and the distance of activations, by layer and epoch."""

from whichnorm.analyses.analysis import Analysis


class Diagnostics(Analysis):
    name = "diagnostics"
    title = "Diagnostics"
    help = "show gradient norms, dead ReLU channels and distances of activations over epochs"
    description = """\
Show what compare measured with --diagnostics: gradient norms, dead ReLU
channels and the distances between images, by layer and epoch."""
    examples = "whichnorm diagnostics runs/demo"
    nothing = "Nothing to show: the study was trained without --diagnostics, which whichnorm compare takes."

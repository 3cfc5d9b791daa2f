"""What can be chosen of the confusion."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ConfusionOptions:
    """Not on the command line, which has no page to show images on."""

    images: bool = False  # whether the page shows the images behind each cell

"""Loss and accuracy over epochs."""

from whichnorm.analyses.analysis import Analysis


class Curves(Analysis):
    name = "curves"
    title = "Curves"
    help = "draw loss and accuracy over epochs"
    description = """\
Draw loss and accuracy of all arms over epochs, and training beside validation
for each arm. The images are not needed."""
    examples = """\
whichnorm curves runs/demo
whichnorm curves results/session08 --norms bn,gn:8 --out figures"""

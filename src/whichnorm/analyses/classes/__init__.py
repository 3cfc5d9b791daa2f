"""Accuracy per class, with intervals."""

from whichnorm.analyses.analysis import Analysis


class Classes(Analysis):
    name = "classes"
    title = "Classes"
    help = "show the accuracy on each class, with intervals"
    description = """\
Show the test accuracy of every arm of a study on each class, with 95 %
intervals, and the classes on which one arm is distinguished from all others.
The images are not needed."""
    examples = """\
whichnorm classes runs/demo
whichnorm classes results/session08 --norms bn,gn:8 --out classes.svg"""

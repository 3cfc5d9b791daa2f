"""Accuracy under common corruptions of the test images: noise, blur, contrast, JPEG, brightness."""

from whichnorm.analyses.per_run import PerRunAnalysis


class Corruptions(PerRunAnalysis):
    name = "corruptions"
    title = "Corruptions"
    help = "show the accuracy of every arm under noise, blur, low contrast, JPEG and brightness"
    description = """\
Show the test accuracy of every arm under five kinds of corruption, each at
three strengths: noise, blur, low contrast, JPEG and brightness. Every network
sees the same corrupted images. Nothing is trained."""
    examples = """\
whichnorm corruptions runs/demo
whichnorm corruptions results/wynet_seeds --norms bn,gn:2 --json"""

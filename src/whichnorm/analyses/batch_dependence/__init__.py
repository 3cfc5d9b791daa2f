"""Batch dependence: whether an image's prediction changes with the other images of its batch."""

from whichnorm.analyses.per_run import PerRunAnalysis


class BatchDependence(PerRunAnalysis):
    name = "batch-dependence"
    title = "Batch dependence"
    help = "show how many predictions change with the other images of a batch"
    description = """\
Show how many predictions of every arm change with the rest of the batch: with
the norm layers in training mode, and with the network in evaluation mode. It
is measured for every norm, not assumed."""
    examples = "whichnorm batch-dependence runs/demo"

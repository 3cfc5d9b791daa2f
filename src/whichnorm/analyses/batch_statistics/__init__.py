"""BatchNorm's statistics: what poor running statistics cost, and how far those of batches are from them."""

from whichnorm.analyses.per_run import PerRunAnalysis


class BatchStatistics(PerRunAnalysis):
    name = "batch-statistics"
    title = "BatchNorm's statistics"
    help = "show what BatchNorm's running statistics cost, by network and layer"
    description = """\
Show the test accuracy of every network with BatchNorm with its running
statistics, with precise ones of all training images, and with those of test
batches; and how far these statistics are apart in every layer."""
    examples = "whichnorm batch-statistics runs/demo"

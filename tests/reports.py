"""Reports of made-up studies: what is asked of the records is answered, what needs trained networks is not."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthetic import digits_test, make_study

from whichnorm.data.dataset import ImageSet
from whichnorm.data.splits import Splits
from whichnorm.report import measure_all, write_report
from whichnorm.results.results import Results
from whichnorm.specs.arm import parse_arm
from whichnorm.study.folder import StudyFolder, TestSplit
from whichnorm.study.study import Study


@dataclass(frozen=True)
class MadeUpImages:
    """The test images of made-up results, which also stand for those of training."""

    test: ImageSet
    class_names: tuple[str, ...]

    @property
    def splits(self) -> Splits:
        channels = self.test.images.shape[1]
        return Splits(
            train=self.test, val=self.test, test=self.test, class_names=self.class_names, digest="0123456789ab",
            mean=(0.5,) * channels, std=(0.5,) * channels,
        )  # fmt: skip

    @property
    def test_split(self) -> TestSplit:
        labels = tuple(self.test.labels.tolist())
        return TestSplit(digest="0123456789ab", class_names=self.class_names, labels=labels)


def made_up_study(results: Results, test: ImageSet) -> Study:
    arms = tuple(map(parse_arm, results.arm_names))
    val_fraction = results.study["data"]["val_fraction"]
    spec = replace(make_study(results.seeds, results.study["recipe"]["epochs"], val_fraction), arms=arms)
    return Study(spec=spec, folder=StudyFolder(results.folder), images=MadeUpImages(test, results.class_names))


def found_in(results: Results, test: ImageSet) -> dict[str, Any]:
    """Return what every analysis finds; those that need trained networks say that there are none."""
    return dict(measure_all(made_up_study(results, test), results, {}))


def report(results: Results, test: ImageSet | None = None) -> Path:
    """Write the report and return the path of its page."""
    return write_report(results, found_in(results, test or digits_test()))

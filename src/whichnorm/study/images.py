"""The images of a study, loaded when they are first asked for."""

from dataclasses import dataclass
from functools import cached_property

from whichnorm.data.splits import Splits, load_splits
from whichnorm.errors import StudyError
from whichnorm.specs.data import DataSpec
from whichnorm.study.folder import TestSplit


@dataclass(frozen=True, eq=False)
class StudyImages:
    """Images that several studies can share; `known` is what a folder holds of them, so that many need no images."""

    spec: DataSpec
    device: str
    known: TestSplit | None = None
    digest_there: str = ""  # of the images that a folder's study was trained on

    @cached_property
    def splits(self) -> Splits:
        """The images themselves; a StudyError for others than the study was trained on."""
        found = load_splits(self.spec, self.device)
        if self.digest_there and found.digest != self.digest_there:
            raise StudyError(
                f"the images of {self.spec.name} are not those of the study: data.digest is {self.digest_there!r} "
                f"there and {found.digest!r} here; --data-dir names the folder that holds them"
            )
        return found

    @cached_property
    def test_split(self) -> TestSplit:
        """The test split's labels and class names, without its images."""
        if self.known:
            return self.known
        splits = self.splits
        labels = tuple(splits.test.labels.tolist())
        return TestSplit(digest=splits.digest, class_names=splits.class_names, labels=labels)

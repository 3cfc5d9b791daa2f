"""Diagnostics as training goes on."""

import torch
from torch import nn

from whichnorm.analyses.diagnostics.files import RunDiagnoses, read_diagnoses, write_diagnoses
from whichnorm.analyses.diagnostics.measure import diagnose
from whichnorm.data.augment import normalize
from whichnorm.data.dataset import ImageSet
from whichnorm.data.splits import Splits
from whichnorm.errors import ModelError, StudyError
from whichnorm.specs.study import RunSpec
from whichnorm.study.folder import StudyFolder
from whichnorm.study.progress import PassingProgress, Progress

MOST_IMAGES = 128


class DiagnosticsProgress(PassingProgress):
    """Diagnoses every run before its first epoch and after each, and passes everything on to another progress."""

    def __init__(self, shown: Progress, folder: StudyFolder, splits: Splits) -> None:
        super().__init__(shown)
        self.folder = folder
        self.splits = splits

    def start_run(self, run: RunSpec, num_steps: int) -> None:
        self.run = run
        self.batch = probe_images(self.splits.train, run.recipe.images_per_forward)
        path, arm = self.folder.diagnostics(run), str(run.arm)
        self.found = RunDiagnoses(arm=arm, seed=run.seed, num_images=len(self.batch), rows={})
        if path.exists():  # of a run that was stopped; an epoch that is trained again is measured again
            self.found = read_diagnoses(path, arm, run.seed)
        super().start_run(run, num_steps)

    def on_weights(self, model: nn.Module, num_epochs: int) -> None:
        images = normalize(self.batch.images, self.splits.mean, self.splits.std)
        try:
            found = diagnose(model, images, self.batch.labels, label_smoothing=self.run.recipe.label_smoothing)
        except ModelError as error:
            raise StudyError(
                f"run {self.run.key}: {error}; the same command without --diagnostics goes on where this one stopped"
            ) from error
        self.found = self.found.with_row(num_epochs, found)
        write_diagnoses(self.folder.diagnostics(self.run), self.found)
        super().on_weights(model, num_epochs)


def probe_images(train: ImageSet, batch_size: int) -> ImageSet:
    """Return a forward pass's worth of images, 2 to 128, spread evenly: training sets may come sorted by class."""
    number = min(max(batch_size, 2), MOST_IMAGES, len(train))
    return train.subset(torch.arange(number, device=train.labels.device) * len(train) // number)

"""Diagnostics as training goes on, from the weights that a run writes."""

import torch

from whichnorm.analyses.diagnostics.diagnose import diagnose
from whichnorm.analyses.diagnostics.files import RunDiagnoses, read_diagnoses, write_diagnoses
from whichnorm.data.augment import normalize
from whichnorm.data.dataset import ImageSet
from whichnorm.data.splits import Splits
from whichnorm.errors import ModelError, StudyError
from whichnorm.specs.study import RunSpec
from whichnorm.study.events import Event, WeightsWritten
from whichnorm.study.folder import StudyFolder
from whichnorm.training.checkpoint import read_checkpoint_weights
from whichnorm.training.network import build_network

MAX_IMAGES = 128


class Diagnosing:
    """Diagnoses a run before its first epoch and after each, beside the run: on the machine that makes it.

    A network of its own, built from the run's spec, takes in the weights from the checkpoint; the one that trains is
    never touched.
    """

    def __init__(self, run: RunSpec, folder: StudyFolder, splits: Splits) -> None:
        self.run, self.path = run, folder.diagnostics(run)
        self.network = build_network(run, splits)
        self.batch = probe_images(splits.train, run.recipe.images_per_forward)
        self.images = normalize(self.batch.images, splits.mean, splits.std)
        self.found = RunDiagnoses(arm=str(run.arm), seed=run.seed, num_images=len(self.batch), rows={})
        if self.path.exists():  # of a run that was stopped; an epoch that is trained again is measured again
            self.found = read_diagnoses(self.path, str(run.arm), run.seed)

    def __call__(self, event: Event) -> None:
        if not isinstance(event, WeightsWritten):
            return
        read_checkpoint_weights(event.path, self.network)
        smoothing = self.run.recipe.label_smoothing
        try:
            row = diagnose(self.network, self.images, self.batch.labels, label_smoothing=smoothing)
        except ModelError as error:
            raise StudyError(
                f"run {self.run.key}: {error}; the same command without --diagnostics goes on where this one stopped"
            ) from error
        self.found = self.found.with_row(event.num_epochs, row)
        write_diagnoses(self.path, self.found)


def probe_images(train: ImageSet, batch_size: int) -> ImageSet:
    """Return a forward pass's worth of images, 2 to 128, spread evenly: training sets may come sorted by class."""
    number = min(max(batch_size, 2), MAX_IMAGES, len(train))
    return train.subset(torch.arange(number, device=train.labels.device) * len(train) // number)

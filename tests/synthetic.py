"""Made-up studies for the report's tests: run records from a few numbers, summarized like real ones."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

from whichnorm.data.dataset import ImageSet
from whichnorm.norms import parse_norm
from whichnorm.results.results import Results, summarize
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.data import DataSpec
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.study import MachineSpec, StudySpec
from whichnorm.training.record import SCHEMA, Audit, EpochRow, RunRecord

ERROR = {"bn": 0.02, "gn:8": 0.05, "ln": 0.06, "in": 0.12, "none": 0.2}
DEVICE = "cpu (Example Processor 3000)"


def digits_test(num_images: int = 360) -> ImageSet:
    """The last images of scikit-learn's digits, (N, 1, 8, 8)."""
    digits = load_digits()
    pixels = np.round(digits.images[-num_images:] * 255 / 16).astype(np.uint8)
    return ImageSet(torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(digits.target[-num_images:]).long())


def noise_test(num_images: int, num_classes: int, channels: int = 3, side: int = 12) -> ImageSet:
    """Random images, (N, channels, side, side), with every class in turn."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=(num_images, channels, side, side), dtype=np.uint8)
    return ImageSet(torch.from_numpy(pixels), torch.arange(num_images) % num_classes)


def epoch_rows(accuracy: float, num_epochs: int, with_val: bool, rng: np.random.Generator) -> list[EpochRow]:
    """A training that ends at this test accuracy."""
    rows = []
    for epoch in range(1, num_epochs + 1):
        left = 0.7 * np.exp(-4 * epoch / num_epochs) if epoch < num_epochs else 0.0
        jitter = rng.normal(0, 0.01, size=4)
        test = accuracy if epoch == num_epochs else float(np.clip(accuracy - left + jitter[0], 0.05, 1))
        rows.append(
            EpochRow(
                epoch=epoch,
                learning_rate=0.1,
                seconds=0.8 + float(abs(jitter[1])),
                train_loss=float(2.2 * np.exp(-3 * epoch / num_epochs) + abs(jitter[2])),
                train_accuracy=float(np.clip(test - 0.01 + jitter[3], 0, 1)),
                val_loss=float(3 * (1 - accuracy) + 2 * left + 3 * abs(jitter[1])) if with_val else None,
                val_accuracy=float(np.clip(test + jitter[2], 0, 1)) if with_val else None,
                test_loss=float(3 * (1 - accuracy) + 2 * left + 3 * abs(jitter[0])),
                test_accuracy=test,
            )
        )
    return rows


def make_record(arm: str, seed: int, test: ImageSet, study: StudySpec, num_classes: int, error: float) -> RunRecord:
    """A finished run that misclassifies about this share of the test images."""
    rng = np.random.default_rng([seed, *arm.encode()])
    labels = test.labels.numpy()
    wrong = rng.random(len(labels)) < error
    predictions = np.where(wrong, (labels + 1 + 2 * rng.integers(0, 2, len(labels))) % num_classes, labels)
    wrong = predictions != labels
    accuracy = float(1 - wrong.mean())
    return RunRecord(
        schema=SCHEMA,
        arm=arm,
        seed=seed,
        status="finished",
        reason="",
        warnings=[],
        epochs=epoch_rows(accuracy, study.recipe.epochs, study.data.val_fraction > 0, rng),
        audit=Audit(
            norm_layers={f"{arm} layer": 6},
            params=83_402,
            norm_params=448,
            initial_weights=f"{seed:016x}",
            zero_gradient=[],
        ),
        test_predictions=predictions.tolist(),
        test_confidences=[round(float(c), 4) for c in rng.uniform(0.4, 1, len(labels))],
        spec=study.shared_dict("0123456789ab"),
        environment={
            "whichnorm": "0.1", "code": "0123456789ab", "python": "3.11.9", "torch": "2.6.0", "numpy": "1.26.4",
            "device": DEVICE, "threads": 2, "precision": "float32", "platform": "Linux-6.1-x86_64",
        },
        evaluate_seconds=0.5,
    )  # fmt: skip


def make_study(seeds: Sequence[int] = (0, 1, 2), epochs: int = 15, val_fraction: float = 0.1) -> StudySpec:
    return StudySpec(
        arms=(ArmSpec(norm=parse_norm("bn")),),
        seeds=tuple(seeds),
        data=DataSpec(name="digits", val_fraction=val_fraction),
        model=ModelSpec(name="digits_net"),
        recipe=Recipe(name="digits", epochs=epochs, batch_size=64),
        machine=MachineSpec(threads=2),
    )


def make_records(arms: Sequence[str], study: StudySpec, test: ImageSet, num_classes: int) -> list[RunRecord]:
    """All runs of a study, all arms of one seed before the next seed."""
    return [
        make_record(arm, seed, test, study, num_classes, ERROR.get(arm.split("+")[0], 0.08))
        for seed in study.seeds
        for arm in arms
    ]


def make_results(
    folder: Path, arms: Sequence[str] = ("bn", "gn:8", "ln"), study: StudySpec | None = None,
    test: ImageSet | None = None, class_names: Sequence[str] = tuple("0123456789"),
    records: Sequence[RunRecord] | None = None,
) -> Results:  # fmt: skip
    """A summarized study; `records` replace the made-up ones."""
    study, test = study or make_study(), test or digits_test()
    if records is None:
        records = make_records(arms, study, test, len(class_names))
    return summarize(records, study.shared_dict("0123456789ab"), tuple(class_names), test.labels.tolist(), folder)


def diverged(record: RunRecord, at_epoch: int) -> RunRecord:
    """The same run, but with a loss that is not finite from this epoch on."""
    rows = record.epochs[:at_epoch]
    rows[-1] = replace(rows[-1], train_loss=None, val_loss=None, test_loss=None)
    reason = f"the loss was not finite in epoch {at_epoch}"
    return replace(record, status="diverged", reason=reason, epochs=rows)


def failed(record: RunRecord, reason: str) -> RunRecord:
    """The same run, but refused before its first step."""
    return replace(
        record, status="failed", reason=reason, epochs=[], audit=None, test_predictions=[], test_confidences=[]
    )

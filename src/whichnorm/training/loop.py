"""The training loop, readable from top to bottom."""

import math
import time
import traceback
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from whichnorm.data.splits import Splits
from whichnorm.errors import ModelError, SpecError, WhichnormError, in_a_line
from whichnorm.specs.study import RunSpec
from whichnorm.training import audit, randomness
from whichnorm.training.checkpoint import read_checkpoint, write_checkpoint
from whichnorm.training.engines.engine import Engine, Epoch, Sums
from whichnorm.training.engines.reference import reference
from whichnorm.training.evaluate import Evaluation, evaluate
from whichnorm.training.events import EpochDone, RunListener, StepDone, WeightsWritten
from whichnorm.training.first_step import audited_first_step
from whichnorm.training.machine import environment, synchronize
from whichnorm.training.network import build_network, build_optimizer
from whichnorm.training.record import SCHEMA, EpochRow, RunRecord, Status, end_warnings
from whichnorm.training.state import TrainingState


def train_run(
    run: RunSpec, splits: Splits, checkpoint: Path | None, tell: RunListener, *, weights_first: bool = False,
    engine: Engine = reference,
) -> tuple[RunRecord, nn.Module]:  # fmt: skip
    """Train one run, from its checkpoint where there is one, and return its record and the trained network.

    Steps, written weights and epochs are told as they come; `weights_first` writes the checkpoint before the first
    epoch too. A non-finite loss ends the run early with status "diverged", a failed audit or an error in the network
    with "failed"; both have a record.
    """
    model = build_network(run, splits)
    optimizer = build_optimizer(model, run.training)
    state = TrainingState(epochs=[], audit=None)
    if checkpoint and checkpoint.exists():
        state = read_checkpoint(checkpoint, model, optimizer, TrainingState)
        tell(_weights_of(run, state, checkpoint))
    elif checkpoint and weights_first:
        write_checkpoint(checkpoint, model, optimizer, asdict(state))
        tell(_weights_of(run, state, checkpoint))
    test = None
    try:
        while len(state.epochs) < run.recipe.epochs and not state.diverged:
            row, test = train_epoch(run, splits, model, optimizer, state, tell, engine)
            state.epochs.append(row)
            if checkpoint:
                write_checkpoint(checkpoint, model, optimizer, asdict(state))
                tell(_weights_of(run, state, checkpoint))
            tell(EpochDone(arm=str(run.arm), seed=run.seed, row=row))
        found = audit.check_norm_layers(model, run.arm.norm)
        if state.audit and found != state.audit.norm_layers:
            raise ModelError(f"the norm layers changed in training: {state.audit.norm_layers} became {found}")
    except (ModelError, SpecError) as error:
        return _record(run, splits, state, None, "failed", str(error)), model
    except (WhichnormError, OSError):  # of files, not of the run
        raise
    except Exception as error:  # out of memory, or anything that a network of the user's own raises
        return _record(run, splits, state, None, "failed", f"{in_a_line(error, limit=300)} ({_place(error)})"), model
    test = test or evaluate(model, splits.test, splits.mean, splits.std, run.machine)
    reason = f"the loss was not finite in epoch {len(state.epochs)}" if state.diverged else ""
    return _record(run, splits, state, test, "diverged" if reason else "finished", reason), model


def train_epoch(
    run: RunSpec, splits: Splits, model: nn.Module, optimizer: torch.optim.Optimizer, state: TrainingState,
    tell: RunListener, engine: Engine = reference,
) -> tuple[EpochRow, Evaluation]:  # fmt: skip
    """Train one epoch and score it. Metrics stay on the device until the one read at the end."""
    synchronize(run.machine)
    started = time.perf_counter()
    epoch, sums = Epoch.drawn(run, splits, len(state.epochs)), Sums.zero(run.machine.device)
    with randomness.isolated_rng(run.machine.device), audited_first_step(model, optimizer, run.arm.norm, state):
        randomness.seed_global(run.seed, "dropout", epoch.number)
        for step in engine(epoch, model, optimizer, sums):
            tell(StepDone(arm=str(run.arm), seed=run.seed, step=step))
    synchronize(run.machine)
    seconds = time.perf_counter() - started
    test = evaluate(model, splits.test, splits.mean, splits.std, run.machine)
    val = evaluate(model, splits.val, splits.mean, splits.std, run.machine) if len(splits.val) else None
    scores = [sums.loss / epoch.num_passes, sums.correct / len(epoch.order), test.loss, test.accuracy]
    scores += [val.loss, val.accuracy] if val else []
    numbers = torch.stack(scores).tolist()  # the epoch's one read from the device
    state.evaluate_seconds += time.perf_counter() - started - seconds
    row = EpochRow(
        epoch=epoch.number + 1,
        learning_rate=epoch.rates(epoch.num_steps - 1).learning_rate,
        seconds=seconds,
        train_loss=_finite(numbers[0]),
        train_accuracy=numbers[1],
        val_loss=_finite(numbers[4]) if val else None,
        val_accuracy=numbers[5] if val else None,
        test_loss=_finite(numbers[2]),
        test_accuracy=numbers[3],
    )
    return row, test


def _weights_of(run: RunSpec, state: TrainingState, checkpoint: Path) -> WeightsWritten:
    return WeightsWritten(arm=str(run.arm), seed=run.seed, num_epochs=len(state.epochs), path=checkpoint)


def _place(error: Exception) -> str:
    """Return the file and line that raised an error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _record(
    run: RunSpec, splits: Splits, state: TrainingState, test: Evaluation | None, status: Status, reason: str
) -> RunRecord:
    return RunRecord(
        schema=SCHEMA,
        arm=str(run.arm),
        seed=run.seed,
        status=status,
        reason=reason,
        warnings=end_warnings(state.epochs, splits.test.labels.cpu()),
        epochs=state.epochs,
        audit=state.audit,
        test_predictions=test.predictions() if test else [],
        test_confidences=test.confidences() if test else [],
        spec=run.shared_dict(splits.digest),
        environment=environment(run.machine),
        evaluate_seconds=state.evaluate_seconds,
    )

"""The training loop, readable from top to bottom."""

import math
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from whichnorm import audit, randomness
from whichnorm.checkpoint import read_checkpoint, write_checkpoint
from whichnorm.data.augment import augment, draw
from whichnorm.data.batches import batches
from whichnorm.data.dataset import ImageSet
from whichnorm.errors import ModelError, SpecError, WhichnormError, in_a_line
from whichnorm.evaluate import Evaluation, evaluate
from whichnorm.machine import autocast, environment, synchronize
from whichnorm.models import build_model
from whichnorm.norms.layers import norm_parameter_names
from whichnorm.record import SCHEMA, Audit, EpochRow, RunRecord, Status
from whichnorm.schedule import Rates, rates
from whichnorm.spec import ArmSpec, Recipe, RunSpec


@dataclass(frozen=True, eq=False)
class Splits:
    """The splits of a study on its device, and what is needed to scale their pixels."""

    train: ImageSet
    val: ImageSet  # empty without a validation split
    test: ImageSet
    class_names: tuple[str, ...]
    mean: tuple[float, ...]  # of the training images, per channel, in [0, 1]
    std: tuple[float, ...]
    digest: str  # of the data set's images, labels and class names

    @property
    def image_shape(self) -> tuple[int, int, int]:
        C, H, W = self.train.images.shape[1:]
        return C, H, W


@dataclass
class TrainingState:
    """What a run has done so far, and all that goes on changing in it apart from the tensors."""

    epochs: list[EpochRow]
    audit: Audit | None
    evaluate_seconds: float = 0.0


def build_network(run: RunSpec, splits: Splits) -> nn.Module:
    """Build the run's network from the seed's initialization stream, in channels_last format on the run's device."""
    C, H, W = splits.image_shape
    with randomness.isolated_rng():
        randomness.seed_global(run.seed, "init")
        model = build_model(
            run.model.factory or run.model.name,
            run.arm.norm,
            num_classes=len(splits.class_names),
            in_channels=C,
            image_size=(H, W),
            dropout=run.recipe.dropout,
            **dict(run.model.options),
        )
    return model.to(run.machine.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Build the recipe's optimizer over every trainable parameter, with weight decay where the recipe wants it."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    of_norms = norm_parameter_names(model)
    for name, p in audit.trainable(model).items():
        exempt = not recipe.decay_norms_and_biases and (name in of_norms or p.dim() <= 1)
        (free if exempt else decayed).append(p)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise ModelError("the network has no trainable parameters")
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(recipe.momentum, 0.999))
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov)


def set_rates(optimizer: torch.optim.Optimizer, now: Rates) -> None:
    for group in optimizer.param_groups:
        group["lr"] = now.learning_rate
        if "betas" in group:
            group["betas"] = (now.momentum, group["betas"][1])
        else:
            group["momentum"] = now.momentum


def penalty(model: nn.Module, arm: ArmSpec) -> Tensor | float:
    """Return l1 sum |w| + l2 sum w^2 over the weights outside norm layers and biases; differentiable."""
    if not arm.l1 and not arm.l2:
        return 0.0
    of_norms = norm_parameter_names(model)
    weights = [p for name, p in audit.trainable(model).items() if name not in of_norms and p.dim() > 1]
    l1 = torch.stack([w.abs().sum() for w in weights]).sum()
    l2 = torch.stack([w.square().sum() for w in weights]).sum()
    return arm.l1 * l1 + arm.l2 * l2


def train_run(run: RunSpec, splits: Splits, checkpoint: Path | None, on_step: Callable[[int], None],
              on_epoch: Callable[[EpochRow], None],
              on_weights: Callable[[nn.Module, int], None] = lambda model, num_epochs: None,
) -> tuple[RunRecord, nn.Module]:  # fmt: skip
    """Train one run, from its checkpoint where there is one, and return its record and the trained network.

    `on_step` gets the number of steps done in the epoch, `on_epoch` the finished row; `on_weights` gets the network and
    the number of epochs done, before the first epoch trained here and after each, and leaves the network as it is.
    A non-finite loss ends the run early with status "diverged", a failed audit or an error in the network with
    "failed"; both have a record.
    """
    model = build_network(run, splits)
    optimizer = build_optimizer(model, run.training)
    state = TrainingState(epochs=[], audit=None)
    if checkpoint and checkpoint.exists():
        state = _resumed(read_checkpoint(checkpoint, model, optimizer))
    on_weights(model, len(state.epochs))
    test = None
    try:
        while len(state.epochs) < run.recipe.epochs and not _diverged(state):
            row, test = train_epoch(run, splits, model, optimizer, state, on_step)
            state.epochs.append(row)
            on_weights(model, row.epoch)  # before the checkpoint: a run that is killed here sees this epoch again
            if checkpoint:
                write_checkpoint(checkpoint, model, optimizer, asdict(state))
            on_epoch(row)
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
    reason = f"the loss was not finite in epoch {len(state.epochs)}" if _diverged(state) else ""
    return _record(run, splits, state, test, "diverged" if reason else "finished", reason), model


def train_epoch(run: RunSpec, splits: Splits, model: nn.Module, optimizer: torch.optim.Optimizer,
                state: TrainingState, on_step: Callable[[int], None]) -> tuple[EpochRow, Evaluation]:  # fmt: skip
    """Train one epoch and score it. Metrics stay on the device until the one read at the end."""
    recipe, device, epoch = run.training, run.machine.device, len(state.epochs)
    size, steps_per_epoch = recipe.images_per_forward, len(splits.train) // recipe.batch_size
    synchronize(run.machine)
    started = time.perf_counter()
    order = torch.randperm(len(splits.train), generator=randomness.generator(run.seed, "order", epoch)).to(device)
    order = order[: steps_per_epoch * recipe.batch_size]  # no step has fewer images than the others
    stream = randomness.generator(run.seed, "augmentation", epoch)
    draws = draw(recipe.augmentation, len(splits.train), splits.image_shape, stream).to(device)
    loss_sum, correct = torch.zeros((), device=device), torch.zeros((), device=device)
    now = rates(recipe, epoch * steps_per_epoch, steps_per_epoch)
    with randomness.isolated_rng(device):
        randomness.seed_global(run.seed, "dropout", epoch)
        for part, (pixels, labels) in enumerate(batches(splits.train, size, order)):
            step, turn = divmod(part, recipe.accumulation)
            drawn = draws.slice(part * size, (part + 1) * size)
            images = augment(pixels, drawn, recipe.augmentation, splits.mean, splits.std)  # (B, C, H, W)
            with autocast(run.machine):
                logits = model(images)
            logits = logits.float()  # (B, num_classes)
            loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            ((loss + penalty(model, run.arm)) / recipe.accumulation).backward()
            with torch.no_grad():
                loss_sum += F.cross_entropy(logits, labels) if recipe.label_smoothing else loss
                correct += (logits.argmax(1) == labels).sum()
            if turn + 1 < recipe.accumulation:
                continue
            now = rates(recipe, epoch * steps_per_epoch + step, steps_per_epoch)
            set_rates(optimizer, now)
            if epoch == 0 and step == 0:
                state.audit = audited_first_step(run, model, optimizer, now.learning_rate)
            else:
                optimizer.step()
            optimizer.zero_grad()
            on_step(step + 1)
    synchronize(run.machine)
    seconds = time.perf_counter() - started
    test = evaluate(model, splits.test, splits.mean, splits.std, run.machine)
    val = evaluate(model, splits.val, splits.mean, splits.std, run.machine) if len(splits.val) else None
    scores = [loss_sum / (len(order) // size), correct / len(order), test.loss, test.accuracy]
    scores += [val.loss, val.accuracy] if val else []
    numbers = torch.stack(scores).tolist()  # the epoch's one read from the device
    state.evaluate_seconds += time.perf_counter() - started - seconds
    row = EpochRow(
        epoch=epoch + 1,
        learning_rate=now.learning_rate,
        seconds=seconds,
        train_loss=_finite(numbers[0]),
        train_accuracy=numbers[1],
        val_loss=_finite(numbers[4]) if val else None,
        val_accuracy=numbers[5] if val else None,
        test_loss=_finite(numbers[2]),
        test_accuracy=numbers[3],
    )
    return row, test


def audited_first_step(run: RunSpec, model: nn.Module, optimizer: torch.optim.Optimizer, learning_rate: float) -> Audit:
    """Take the first step and prove that it reaches every trainable parameter of the network that the arm names."""
    found = audit.check_norm_layers(model, run.arm.norm)
    audit.check_in_optimizer(model, optimizer)
    zero_gradient = audit.check_gradients(model)
    digest = audit.shared_weights_digest(model)
    before = {name: p.detach().clone() for name, p in audit.trainable(model).items()}
    optimizer.step()
    audit.check_moved(before, model, learning_rate, zero_gradient)
    return Audit(
        norm_layers=found,
        params=audit.count_params(model),
        norm_params=audit.count_norm_params(model),
        initial_weights=digest,
        zero_gradient=zero_gradient,
    )


def at_chance(train_accuracy: float, labels: Tensor) -> bool:
    """Tell whether an accuracy over these labels is no better than always naming the commonest class.

    The bound is three standard deviations of a binomial count above that class's share.
    """
    share = float(labels.bincount().max()) / len(labels)
    return train_accuracy <= share + 3 * math.sqrt(share * (1 - share) / len(labels))


def _place(error: Exception) -> str:
    """Return the file and line that raised an error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def _resumed(notes: dict[str, Any]) -> TrainingState:
    found = Audit(**notes["audit"]) if notes["audit"] else None
    return TrainingState([EpochRow(**row) for row in notes["epochs"]], found, notes["evaluate_seconds"])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _diverged(state: TrainingState) -> bool:
    return bool(state.epochs) and state.epochs[-1].train_loss is None


def _warnings(run: RunSpec, splits: Splits, state: TrainingState) -> list[str]:
    """Say what is wrong with a run that nevertheless went to its end: at chance after a quarter of it, and still."""
    quarter = math.ceil(run.recipe.epochs / 4)
    if len(state.epochs) < quarter or _diverged(state):
        return []
    row, last = state.epochs[quarter - 1], state.epochs[-1]
    if not all(at_chance(one.train_accuracy, splits.train.labels) for one in (row, last)):
        return []
    return [
        f"at chance from epoch {quarter} of {run.recipe.epochs} to the last: "
        f"training accuracy {last.train_accuracy:.1%}"
    ]


def _record(run: RunSpec, splits: Splits, state: TrainingState, test: Evaluation | None, status: Status,
            reason: str) -> RunRecord:  # fmt: skip
    return RunRecord(
        schema=SCHEMA,
        arm=str(run.arm),
        seed=run.seed,
        status=status,
        reason=reason,
        warnings=_warnings(run, splits, state),
        epochs=state.epochs,
        audit=state.audit,
        test_predictions=test.predictions() if test else [],
        test_confidences=test.confidences() if test else [],
        spec=run.shared_dict(splits.digest),
        environment=environment(run.machine),
        evaluate_seconds=state.evaluate_seconds,
    )

"""Images per second of this training loop and of the plain one that a user would write, side by side per norm.

    python -m benchmarks.loop [--quick]

Both train the same network (session08), with the same initial weights, recipe (flip, 2-pixel reflected crop, Nesterov
SGD, label smoothing) and batch size, on the same random pixels, whose values do not matter for speed. The plain loop
has a DataLoader with per-image PIL transforms, torch's own norm layers and dropout, contiguous float32 and eager mode;
it is timed with 0 and with 2 workers, and the faster counts. This loop keeps freed memory for the next step; that is a
setting of the process which cannot be taken back, so the plain loop is timed first, for all norms, as a user's process
has it. The last line is JSON.
"""

import argparse
import json
import statistics
import sys
import time

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from whichnorm.data.dataset import ImageSet
from whichnorm.data.splits import Splits
from whichnorm.models.layers import Dropout
from whichnorm.norms import layers as ours
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.data import DataSpec
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipes import find_recipe
from whichnorm.specs.study import MachineSpec, RunSpec
from whichnorm.training.events import ignore
from whichnorm.training.loop import train_epoch
from whichnorm.training.machine import choose_machine, environment, keep_freed_memory
from whichnorm.training.network import build_network, build_optimizer
from whichnorm.training.state import TrainingState

NORMS = ("bn", "ln", "ln-element", "ln-channel", "gn:8", "in")
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class PlainChannelLayerNorm(nn.LayerNorm):
    """LayerNorm over channels as users write it: to channels last and back."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def stock_layer(layer: nn.Module) -> nn.Module:
    """Return torch's own layer in place of one of ours."""
    if isinstance(layer, ours.BatchNorm2d):
        return nn.BatchNorm2d(layer.num_features)
    if isinstance(layer, ours.InstanceNorm2d):
        return nn.InstanceNorm2d(layer.num_features, affine=True)
    if isinstance(layer, ours.GroupNorm):
        return nn.GroupNorm(layer.num_groups, layer.num_channels)
    if isinstance(layer, ours.ChannelLayerNorm):
        return PlainChannelLayerNorm(layer.normalized_shape)
    if isinstance(layer, ours.LayerNorm):
        return nn.LayerNorm(layer.normalized_shape)
    return nn.Dropout(layer.p) if isinstance(layer, Dropout) else layer


def plain_network(run: RunSpec, splits: Splits) -> nn.Module:
    """Build the run's network with torch's own layers, contiguous, in float32."""
    model = build_network(run, splits).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            setattr(parent, name, stock_layer(child))
    return model.train()


class PlainImages(Dataset[tuple[Tensor, int]]):
    """Images with per-image transforms, as torchvision composes them: pad, crop, flip, to tensor, normalize."""

    def __init__(self, images: ImageSet) -> None:
        self.pixels = images.images.permute(0, 2, 3, 1).numpy()  # (N, H, W, C)
        self.labels = images.labels.tolist()
        self.mean = torch.tensor(MEAN).view(3, 1, 1)
        self.std = torch.tensor(STD).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(np.pad(self.pixels[index], ((2, 2), (2, 2), (0, 0)), mode="reflect"))
        left, top = torch.randint(0, 5, (2,)).tolist()
        image = image.crop((left, top, left + 32, top + 32))
        if torch.rand(1).item() < 0.5:
            image = ImageOps.mirror(image)
        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div(255)
        return tensor.sub(self.mean).div(self.std), self.labels[index]


def plain_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader[tuple[Tensor, int]]) -> float:
    """Train one epoch as users write it; return its images per second, starting of workers included."""
    started, count = time.perf_counter(), 0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        count += len(labels)
        loss.item()
    return count / (time.perf_counter() - started)


def random_splits(num_images: int) -> Splits:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (num_images, 3, 32, 32), generator=generator, dtype=torch.uint8)
    part = ImageSet(images, torch.randint(0, 10, (num_images,), generator=generator))
    few = part.subset(torch.arange(10))
    none = part.subset(torch.arange(0))
    names = tuple(str(i) for i in range(10))
    return Splits(train=part, val=none, test=few, class_names=names, mean=MEAN, std=STD, digest="")


def make_run(norm: str, machine: MachineSpec) -> RunSpec:
    return RunSpec(
        arm=parse_arm(norm),
        seed=0,
        data=DataSpec(name="cifar10", val_fraction=0),
        model=ModelSpec(name="session08"),
        recipe=find_recipe("default"),
        machine=machine,
    )


def measure_plain(norm: str, machine: MachineSpec, num_images: int, rounds: int) -> list[float]:
    """Return the plain loop's images per second of each round, with the faster of 0 and 2 workers."""
    run, splits = make_run(norm, machine), random_splits(num_images)
    model = plain_network(run, splits)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loaders = [
        DataLoader(PlainImages(splits.train), run.recipe.batch_size, shuffle=True, drop_last=True, num_workers=workers)
        for workers in (0, 2)
    ]
    rates = [max(plain_epoch(model, optimizer, loader) for loader in loaders) for _ in range(rounds + 1)]
    return rates[1:]  # the first round warms up


def measure_ours(norm: str, machine: MachineSpec, num_images: int, rounds: int) -> list[float]:
    """Return this loop's images per second of each round."""
    run, splits = make_run(norm, machine), random_splits(num_images)
    model = build_network(run, splits)
    optimizer = build_optimizer(model, run.recipe)
    state = TrainingState(epochs=[], audit=None)
    images = len(splits.train) // run.recipe.batch_size * run.recipe.batch_size
    for _ in range(rounds + 1):
        row, _ = train_epoch(run, splits, model, optimizer, state, ignore)
        state.epochs.append(row)
    return [images / row.seconds for row in state.epochs[1:]]


def compared(ours: list[float], plain: list[float]) -> dict[str, float]:
    """Return the medians, their ratio, and the ratios of the worst round to the other's best and the reverse."""
    return {
        "ours": round(statistics.median(ours), 1),
        "plain": round(statistics.median(plain), 1),
        "ratio": round(statistics.median(ours) / statistics.median(plain), 3),
        "ratio_min": round(min(ours) / max(plain), 3),
        "ratio_max": round(max(ours) / min(plain), 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer images and rounds")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    machine = choose_machine("cpu", args.threads)
    num_images, rounds = (1280, 3) if args.quick else (3840, 5)
    about = environment(machine)
    print(f"{about['device']}, {about['threads']} threads, torch {about['torch']}, ours in {about['precision']}")
    print(f"session08, batch 128, {num_images} images per round; medians of {rounds} rounds, ratio [at worst, at best]")
    print(f"{'norm':<12}{'ours img/s':>12}{'plain img/s':>13}{'ratio':>8}")
    plain = {norm: measure_plain(norm, machine, num_images, rounds) for norm in NORMS}
    keep_freed_memory()
    found = {}
    for norm in NORMS:
        found[norm] = r = compared(measure_ours(norm, machine, num_images, rounds), plain[norm])
        spread = f"[{r['ratio_min']:.2f}, {r['ratio_max']:.2f}]"
        print(f"{norm:<12}{r['ours']:>12,.0f}{r['plain']:>13,.0f}{r['ratio']:>8.2f}  {spread}", flush=True)
    print(json.dumps({"norms": found, "environment": about}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic import digits_test, make_record, make_study, noise_test
from torch import nn

from whichnorm import stats
from whichnorm.cli import main
from whichnorm.data.dataset import Dataset
from whichnorm.errors import SpecError
from whichnorm.models import NETWORKS, build_model
from whichnorm.reproduce import NAMES, text
from whichnorm.reproduce.picture import draw_curves
from whichnorm.reproduce.published import PublishedArm, PublishedScores, find_published
from whichnorm.reproduce.side_by_side import side_by_side
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.data import DataSpec
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipes import RECIPES
from whichnorm.specs.study import MachineSpec, RunSpec
from whichnorm.training.record import EpochRow
from whichnorm.training.schedule import rates
from whichnorm.training.step import add_gradients, argmax_loss

SHAPES = {"cifar10": (3, 32), "mnist": (1, 28)}


def log(*test_accuracies, train=0.5):
    return [
        EpochRow(epoch=i + 1, learning_rate=0.1, seconds=1.0, train_loss=1.0, train_accuracy=train, val_loss=None,
                 val_accuracy=None, test_loss=1.0, test_accuracy=accuracy)
        for i, accuracy in enumerate(test_accuracies)
    ]  # fmt: skip


def finished(norm, seed=0, **changes):
    return replace(make_record(norm, seed, digits_test(), make_study(), num_classes=10, error=0.1), **changes)


@pytest.mark.parametrize("name", NAMES)
def test_every_published_network_has_its_network_recipe_and_sizes(name):
    published = find_published(name)
    assert name in NETWORKS
    assert name in RECIPES
    assert RECIPES[name].epochs == 20
    channels, side = SHAPES[published.data]
    for arm in published.arms:
        network = build_model(name, parse_arm(arm.norm).norm, 10, channels, image_size=side)
        if arm.params is not None:
            assert sum(p.numel() for p in network.parameters()) == arm.params
    assert published.faults
    assert published.choices


def test_wynets_log_is_whole_and_ends_in_its_final_figures():
    for arm in find_published("wynet").arms:
        assert len(arm.epochs) == 20
        assert arm.epochs[-1].test_accuracy == arm.final.test_accuracy
        assert max(row.test_accuracy for row in arm.epochs) == arm.best.test_accuracy


def test_wynets_learning_rates_are_those_of_the_published_log():
    there = [0.01, 0.028, 0.046, 0.064, 0.082, 0.1, 0.093367, 0.086733, 0.0801, 0.073467, 0.066833, 0.0602, 0.053567,
             0.046933, 0.0403, 0.033667, 0.027033, 0.0204, 0.013767, 0.007133]  # fmt: skip
    assert [rates(RECIPES["wynet"], 100 * epoch, 100).learning_rate for epoch in range(20)] == pytest.approx(
        there, abs=1e-6
    )


def test_session08s_learning_rate_falls_once_to_a_tenth_from_epoch_11_on():
    found = [rates(RECIPES["session08"], 100 * epoch, 100).learning_rate for epoch in range(20)]
    assert found == pytest.approx([0.01] * 10 + [0.001] * 10)


def test_a_limit_of_parameters_is_named_where_a_text_states_one_only():
    said = {name for name in NAMES if "50,000" in " ".join(find_published(name).faults + find_published(name).choices)}
    assert said == {"lcifar"}


def test_the_published_mnist_loss_leaves_the_l1_term_as_the_only_gradient():
    (arm,) = [arm for arm in find_published("mnist_s6").arms if "argmax" in arm.norm]
    run = RunSpec(
        arm=parse_arm(arm.norm),
        seed=0,
        data=DataSpec(name="mnist"),
        model=ModelSpec(name="mnist_s6"),
        recipe=RECIPES["mnist_s6"],
        machine=MachineSpec(threads=1, precision="float32"),
    )
    network = build_model("mnist_s6", run.arm.norm, 10, 1, image_size=28)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(16, 1, 28, 28, generator=generator), torch.arange(16) % 10
    logits, _ = add_gradients(network, images, labels, run)
    assert float(argmax_loss(logits, labels).detach()) > 0
    assert not nn.functional.mse_loss(logits.argmax(1).float(), labels.float()).requires_grad
    for name, parameter in network.named_parameters():
        shrinks = 1e-4 * parameter.detach().sign() if parameter.dim() > 1 else torch.zeros_like(parameter)
        assert torch.equal(parameter.grad, shrinks), name
    first = network[0].weight.grad
    assert torch.equal(first.abs(), torch.full_like(first, 1e-4))


def test_losses_stand_beside_published_ones_in_nats_and_nowhere_else():
    published = find_published("residual8")
    rows = side_by_side(published, [finished("bn", epochs=log(0.2, 0.8))], 1000)
    losses = {row.figure: row for row in rows if row.norm == "bn" and row.is_loss}
    assert list(losses) == ["test loss, last", "training loss, last"]
    test = losses["test loss, last"]
    assert (test.published, test.measured, test.ci95) == (0.64, 1.0, None)
    (cells,) = text.side_by_side_table([test]).rows
    assert [cell.text for cell in cells][2:] == ["0.64", "1.00", "+0.36"]
    assert not any(row.is_loss for row in side_by_side(find_published("session08"), [finished("bn")], 1000))


def test_a_loss_that_was_not_finite_has_no_measured_figure():
    rows = [replace(row, test_loss=None) for row in log(0.5)]
    found = side_by_side(find_published("residual8"), [finished("bn", epochs=rows)], 1000)
    assert {r.figure: r.measured for r in found if r.norm == "bn" and r.is_loss}["test loss, last"] is None


def test_measured_figures_are_those_of_the_last_and_of_the_best_epoch():
    published = replace(
        find_published("session08"),
        arms=(
            PublishedArm(
                norm="bn",
                params=1,
                final=PublishedScores(),
                best=PublishedScores(test_accuracy=0.5, train_accuracy=0.4),
            ),
            PublishedArm(
                norm="ln",
                params=1,
                final=PublishedScores(test_accuracy=0.7, train_accuracy=0.9),
                best=PublishedScores(),
            ),
        ),
    )
    records = [
        finished("bn", 0, epochs=log(0.2, 0.8, 0.6)),
        finished("bn", 1, epochs=log(0.4, 0.6, 0.4)),
        finished("ln", 0, epochs=log(0.5, 0.7, train=0.8)),
        finished("ln", 1, epochs=log(0.1), status="diverged"),
    ]
    rows = {(row.norm, row.figure): row for row in side_by_side(published, records, 1000)}
    assert rows["bn", "test accuracy, last"].measured == pytest.approx(0.5)
    assert rows["bn", "test accuracy, last"].published is None
    best = rows["bn", "test accuracy, best"]
    assert best.measured == pytest.approx(0.7)
    assert best.difference == pytest.approx(0.2)
    assert best.beyond_image_noise
    assert rows["bn", "training accuracy, best"].published == 0.4
    last = rows["ln", "test accuracy, last"]
    assert (last.seeds, last.difference) == (1, pytest.approx(0.0))
    assert not last.beyond_image_noise
    assert rows["ln", "training accuracy, last"].ci95 is None


def test_an_arm_without_a_finished_run_has_no_measured_figures():
    published = find_published("residual8")
    rows = side_by_side(published, [finished("bn", 0, status="failed")], 1000)
    assert all(row.measured is None and row.difference is None for row in rows)
    assert all("–" in row[3].text for row in text.side_by_side_table(rows).rows)


def test_newcombes_interval_matches_his_published_examples():
    # Statistics in Medicine 17, 1998, table II, method 10: 56/70 - 48/80, and 9/10 - 3/10
    first, second = stats.proportion_difference(56, 70, 48, 80), stats.proportion_difference(9, 10, 3, 10)
    assert np.round([first.low, first.high], 4).tolist() == [0.0524, 0.3339]
    assert np.round([second.low, second.high], 4).tolist() == [0.1705, 0.8090]
    assert first.estimate == pytest.approx(0.2)


def test_an_unknown_name_is_one_line_with_a_way_out(capsys):
    with pytest.raises(SpecError, match="did you mean 'wynet'"):
        find_published("wynett")
    assert main(["reproduce", "resnet"]) == 2
    said = capsys.readouterr().err
    assert "session08" in said
    assert said.count("\n") == 1


@pytest.mark.usefixtures("undrawn")
def test_a_smoke_run_trains_every_arm_and_writes_its_page(tmp_path, capsys, monkeypatch):
    tiny = Dataset("cifar10", tuple("0123456789"), noise_test(300, 10, side=32), noise_test(50, 10, side=32))
    monkeypatch.setattr("whichnorm.data.splits.load_data", lambda spec: tiny)
    out = tmp_path / "study"
    code = main(["reproduce", "wynet", "--quick", "--threads", "1",
                 "--out", str(out)])  # fmt: skip
    shown = capsys.readouterr().out
    assert code == 0
    page = (out / "report" / "reproduction.md").read_text()
    assert "smoke run on 2,000 training images" in page
    assert "76.98" in page
    assert "76.98" in shown
    for format in ("png", "svg"):
        assert (out / "report" / f"published_curves.{format}").stat().st_size > 1000
    results = json.loads((out / "results.json").read_text())
    assert [arm["norm"] for arm in results["arms"]] == ["bn", "gn:2", "ln"]
    assert results["curves_split"] == "test"


def test_the_curves_show_the_published_and_every_measured_log():
    published = find_published("wynet")
    records = [finished("bn", seed, epochs=log(0.2, 0.4)) for seed in (0, 1)]
    panel = draw_curves(published, records).axes[0]
    drawn = [line.get_ydata() for line in panel.lines]
    assert drawn[0][-1] == pytest.approx(76.98)
    assert [list(line) for line in drawn[1:]] == [pytest.approx([20, 40])] * 2

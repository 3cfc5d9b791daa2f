"""Curves: estimates against numpy and scipy, what is drawn, and what is said of runs that did not finish."""

import numpy as np
import pytest
from scipy import stats
from sections import FOUR, cells_of, section_of, tables_of
from synthetic import digits_test, diverged, failed, make_records, make_results, make_study

from whichnorm.analyses.curves import Curves
from whichnorm.analyses.curves.figures import Line, all_arms, one_arm
from whichnorm.analyses.curves.measure import estimate_curve
from whichnorm.render.style import FAMILIES

CURVES = FOUR[0]


def line_of(values, number=0):
    style = FAMILIES["ln" if number else "bn"].member(0)
    return Line(label=f"arm {number}", style=style, curve=estimate_curve(values))


# ----- estimates


@pytest.mark.parametrize("num_seeds", [3, 5])
def test_a_band_over_three_or_more_seeds_is_the_t_interval_of_the_mean(num_seeds):
    values = np.random.default_rng(0).uniform(1, 2, size=(num_seeds, 4))
    curve = estimate_curve(values.tolist())
    low, high = stats.t.interval(0.95, num_seeds - 1, loc=values.mean(0), scale=stats.sem(values, axis=0))
    assert curve.band == "interval"
    np.testing.assert_array_equal(curve.values, values)
    np.testing.assert_allclose(curve.mean, values.mean(0))
    np.testing.assert_allclose(curve.low, np.maximum(low, 0))
    np.testing.assert_allclose(curve.high, high)


def test_a_band_over_two_seeds_is_their_range_and_one_seed_has_none():
    two = estimate_curve([[1.0, 2.0], [3.0, 1.0]])
    assert (two.band, two.low.tolist(), two.mean.tolist(), two.high.tolist()) == ("range", [1, 1], [2, 1.5], [3, 2])
    one = estimate_curve([[1.0, 2.0]])
    assert (one.band, one.mean.tolist()) == ("none", [1, 2])


def test_a_band_stays_within_the_bounds_of_its_quantity():
    curve = estimate_curve([[0.1, 0.99], [0.9, 0.90], [0.5, 0.999]], bounds=(0, 1))
    assert curve.low.min() >= 0
    assert curve.high.max() <= 1


def test_an_epoch_without_a_value_at_some_seed_is_a_gap():
    curve = estimate_curve([[1.0, None, 3.0], [1.0, 2.0], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(np.isnan(curve.mean), [False, True, True])
    np.testing.assert_array_equal(np.isnan(curve.low), [False, True, True])


# ----- figures


@pytest.mark.parametrize(("split", "name"), [("val", "Validation"), ("test", "Test")])
def test_the_axes_name_the_split(split, name):
    loss, accuracy = (all_arms([line_of([[0.9, 0.5]])], quantity, split) for quantity in ("loss", "accuracy"))
    assert loss.axes[0].get_ylabel() == f"{name} loss (nats)"
    assert accuracy.axes[0].get_ylabel() == f"{name} accuracy (%)"
    assert loss.get_suptitle() == f"{name} loss, all arms"


def test_one_epoch_is_drawn_as_a_mark_that_can_be_seen():
    (axes,) = all_arms([line_of([[0.9], [0.8], [0.7]])], "loss", "val").axes
    assert [line.get_marker() for line in axes.lines] == ["o", "_", "_", "_"]
    assert axes.get_xticks().tolist() == [1]


def test_losses_of_different_orders_get_a_logarithmic_axis():
    (axes,) = all_arms([line_of([[2.0, 0.001]]), line_of([[2.0, None]], 1)], "loss", "val").axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "Validation loss (nats, log scale)"


@pytest.mark.parametrize(("num_seeds", "lines", "bands"), [(1, 1, 0), (2, 3, 0), (5, 6, 0), (6, 1, 1)])
def test_five_seeds_or_fewer_are_drawn_one_by_one_and_more_as_a_band(num_seeds, lines, bands):
    values = np.random.default_rng(1).uniform(0.2, 0.9, (num_seeds, 3))
    (axes,) = all_arms([line_of(values.tolist())], "accuracy", "val").axes
    assert (len(axes.lines), len(axes.collections)) == (lines, bands)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * values.mean(0))
    for line, of_seed in zip(axes.lines[1:], values, strict=bool(lines > 1)):
        np.testing.assert_allclose(line.get_ydata(), 100 * of_seed)
        assert line.get_linewidth() < axes.lines[0].get_linewidth() / 2


def test_one_arms_panels_stand_one_below_the_other():
    panels = [(quantity, [line_of([[0.5, 0.4]]), line_of([[0.6, 0.5]], 1)]) for quantity in ("loss", "accuracy")]
    upper, lower = one_arm("bn", panels).axes
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == ("Loss (nats)", "Accuracy (%)", "Epoch")
    np.testing.assert_allclose(lower.lines[1].get_ydata(), [60, 50])


# ----- the section


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    results = make_results(tmp_path_factory.mktemp("usual"))
    return results, section_of(CURVES, results)


def test_the_scripts_charts_have_the_means_and_seeds_of_the_records(usual):
    results, section = usual
    widgets = {picture.name: picture.widget.data for picture in section.pictures}
    (panel,) = widgets["validation_accuracy"]["panels"]
    for line, arm in zip(panel["lines"], results.arms, strict=True):
        of_seeds = [[100 * row.val_accuracy for row in run.epochs] for run in results.finished(arm.norm)]
        np.testing.assert_allclose(line["mean"], np.mean(of_seeds, axis=0), atol=1e-6)
        np.testing.assert_allclose(line["seeds"], of_seeds, atol=1e-6)
        assert len(line["low"]) == len(line["high"]) == 15
    loss, accuracy = widgets["bn_curves"]["panels"]
    assert (loss["axis"], accuracy["axis"]) == ("BatchNorm: loss (nats)", "BatchNorm: accuracy (%)")
    assert (panel["title"], panel["axis"]) == ("Validation accuracy", "Validation accuracy (%)")
    losses = [np.mean([run.epochs[i].train_loss for run in results.finished("bn")]) for i in range(15)]
    np.testing.assert_allclose(loss["lines"][0]["mean"], losses, atol=1e-6)


def test_the_table_of_ends_holds_the_last_epochs_of_the_records(usual):
    results, section = usual
    ends, _ = tables_of(section)
    for row, arm in zip(cells_of(ends), results.arms, strict=True):
        last = [run.last for run in results.finished(arm.norm)]
        assert row[1].startswith(f"{np.mean([epoch.train_loss for epoch in last]):.4f} [")
        assert row[2].startswith(f"{np.mean([epoch.val_loss for epoch in last]):.4f} [")
        assert row[3].startswith(f"{100 * np.mean([epoch.train_accuracy for epoch in last]):.2f} % [")
        assert row[4].startswith(f"{100 * arm.val_accuracy.mean:.2f} % [")


def test_captions_say_what_lines_and_bands_are(tmp_path):
    def caption(seeds):
        study = make_study(seeds=range(seeds), epochs=2)
        return section_of(CURVES, make_results(tmp_path, arms=["bn", "ln"], study=study)).pictures[0].caption

    assert "One seed: a line without a band." in caption(1)
    assert "Thick lines are means over seeds, thin lines single seeds (n = 4 seeds)." in caption(4)
    assert "Lines are means over seeds; bands are the 95 % t interval of the mean (n = 6 seeds)." in caption(6)


def test_arms_that_did_not_finish_are_drawn_and_said(tmp_path):
    study, test = make_study(), digits_test()
    records = make_records(["bn", "ln", "in", "none"], study, test, 10)
    records[1] = failed(records[1], "no gradient")  # ln at seed 0
    records[2::4] = [diverged(record, 6) for record in records[2::4]]
    records[3::4] = [failed(record, "no gradient") for record in records[3::4]]
    results = make_results(tmp_path, study=study, records=records)
    found = Curves().measure(None, results, None)
    assert {arm: curves.status for arm, curves in found.arms.items()} == {
        "bn": "finished", "ln": "finished", "in": "diverged",
    }  # fmt: skip
    assert (found.arms["ln"].seeds, found.arms["ln"].left_out, found.without) == ((1, 2), (0,), ("none",))
    section = CURVES.section(found, results)
    assert section.sentences == (
        "LayerNorm: without the runs that did not finish, of seed 0.",
        "InstanceNorm: no finished run; its curves are those of the runs that stopped.",
        "no normalization: no run got through an epoch, so it has no curves.",
    )
    assert "(InstanceNorm)" not in section.title
    row = next(row for row in cells_of(tables_of(section)[0]) if row[0].startswith("InstanceNorm"))
    assert row[:3] == ["InstanceNorm in, diverged", "not finite", "not finite"]


def test_titles_say_where_the_accuracies_end(tmp_path):
    one = make_results(tmp_path, arms=["bn"], study=make_study(seeds=(0,), epochs=1))
    accuracy = one.arms[0].val_accuracy.mean
    assert section_of(CURVES, one).title == f"Validation accuracy ends at {100 * accuracy:.2f} % after 1 epoch"
    records = [diverged(record, 2) for record in make_records(["bn"], make_study(), digits_test(), 10)]
    stopped = make_results(tmp_path, records=records)
    assert section_of(CURVES, stopped).title == "Validation curves of runs that did not finish"


def test_without_a_validation_split_the_curves_are_called_the_test_sets(tmp_path):
    section = section_of(CURVES, make_results(tmp_path, arms=["bn", "ln"], study=make_study(val_fraction=0.0)))
    assert section.title.startswith("Test accuracy ends between ")
    assert section.sentences == ("No validation split: these are the test set's curves.",)
    assert all(section.sentences[0] in picture.caption for picture in section.pictures)
    assert "alidation" not in " ".join(picture.alt for picture in section.pictures)

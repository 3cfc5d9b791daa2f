"""Calibration, against loops and cases by hand; and what its section says."""

import pytest
import torch
from answers import answers_of, calibration_scores, results_of

from whichnorm.analyses.calibration import Calibration
from whichnorm.analyses.calibration.measure import CalibrationScores, calibration
from whichnorm.errors import SpecError


def naive_error(confidences, right, num_bins=15):
    """Guo et al., equation 3, bin by bin."""
    total = 0.0
    for k in range(num_bins):
        inside = [i for i, c in enumerate(confidences) if k / num_bins < c <= (k + 1) / num_bins]
        if inside:
            accuracy = sum(right[i] for i in inside) / len(inside)
            confidence = sum(confidences[i] for i in inside) / len(inside)
            total += len(inside) / len(confidences) * abs(accuracy - confidence)
    return total


def logits_of(confidences, num_classes=2):
    """Logits whose softmax has these confidences for class 0."""
    p = torch.tensor(confidences, dtype=torch.float64)
    rest = ((1 - p) / (num_classes - 1)).log()
    return torch.stack([p.log(), *[rest] * (num_classes - 1)], dim=1)


def test_the_calibration_error_is_that_of_a_naive_loop():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(500, 6, generator=generator)
    labels = torch.randint(0, 6, (500,), generator=generator)
    probabilities = logits.double().softmax(1).numpy()
    confidences, right = probabilities.max(1), probabilities.argmax(1) == labels.numpy()
    found = calibration(logits, labels)
    assert found.expected_error == pytest.approx(naive_error(confidences.tolist(), right.tolist()), abs=1e-12)
    assert found.overconfidence == pytest.approx(confidences.mean() - right.mean(), abs=1e-12)
    assert (found.num_images, found.num_bins) == (500, 15)


def test_a_network_that_promises_what_it_keeps_has_no_error():
    found = calibration(logits_of([0.75] * 4), torch.tensor([0, 0, 0, 1]))
    assert found.expected_error == pytest.approx(0)
    assert found.overconfidence == pytest.approx(0)


def test_overconfidence_is_positive_and_underconfidence_negative():
    over = calibration(logits_of([0.9, 0.9]), torch.tensor([0, 1]))
    assert (over.expected_error, over.overconfidence) == (pytest.approx(0.4), pytest.approx(0.4))
    under = calibration(logits_of([0.6, 0.6]), torch.tensor([0, 0]))
    assert (under.expected_error, under.overconfidence) == (pytest.approx(0.4), pytest.approx(-0.4))


def test_errors_of_two_bins_do_not_cancel_while_their_signed_mean_does():
    found = calibration(logits_of([0.9, 0.9, 0.6, 0.6]), torch.tensor([0, 1, 0, 0]))
    assert found.expected_error == pytest.approx(0.4)
    assert found.overconfidence == pytest.approx(0)


def test_certainty_falls_into_the_last_bin_and_infinite_logits_into_the_first():
    found = calibration(torch.tensor([[1000.0, 0.0], [float("inf"), 0.0]]), torch.tensor([0, 1]))
    assert found.expected_error == pytest.approx(0)


def section_of(results, **overconfidence):
    arms = {arm.replace("_", ":"): [calibration_scores(value)] for arm, value in overconfidence.items()}
    return Calibration().section(answers_of(arms), results)


@pytest.mark.parametrize(("overconfidence", "title"), [
    ({"bn": -0.0953, "gn_8": -0.0986}, "All arms are underconfident, by 9.5 to 9.9 points"),
    ({"bn": 0.0312, "gn_8": 0.0308}, "All arms are overconfident, by 3.1 points"),
    ({"bn": 0.012, "gn_8": -0.008, "ln": 0.002}, 
     "BatchNorm is overconfident by 1.2 points, GroupNorm, 8 groups, underconfident by 0.8"),
    ({"bn": -0.05}, "BatchNorm is underconfident by 5.0 points"),
])  # fmt: skip
def test_the_title_says_who_promises_too_much(tmp_path, overconfidence, title):
    assert section_of(results_of(tmp_path), **overconfidence).title == title


def test_label_smoothing_is_named_only_where_the_recipe_has_it(tmp_path):
    results = results_of(tmp_path)
    assert "smooths labels" not in " ".join(section_of(results, bn=0.01).sentences)
    results.study["recipe"]["label_smoothing"] = 0.1
    assert "smooths labels by 0.1" in " ".join(section_of(results, bn=0.01).sentences)


def test_the_table_has_means_and_deviations_over_seeds(tmp_path):
    found = answers_of({"bn": [calibration_scores(-0.02), calibration_scores(-0.04)]})
    (table,) = Calibration().section(found, results_of(tmp_path)).tables
    assert [cell.text for cell in table.rows[0][1:]] == ["3.00 %", "−3.00", "2"]
    assert table.rows[0][2].note == "SD 1.41"


def test_scores_out_of_range_are_refused():
    for error, over in ((1.5, 0.0), (0.1, -1.2)):
        with pytest.raises(SpecError, match=r"is -?1\.[25], expected -?[01] to 1"):
            CalibrationScores(expected_error=error, overconfidence=over, num_images=1, num_bins=15)

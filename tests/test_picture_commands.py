"""The commands that show a finished study: numbers, JSON, pictures, and wrong input."""

import builtins
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import shortcuts
from safetensors.torch import load_file, save_file

from whichnorm.analyses.kept import Kept, read_kept, write_kept
from whichnorm.analyses.mistakes import label_issues
from whichnorm.analyses.mistakes.label_issues import (
    LabelDoubt,
    LabelDoubts,
    mean_probabilities,
)
from whichnorm.api import compare, read_results
from whichnorm.cli import main
from whichnorm.errors import DataError
from whichnorm.specs.names import arm_title
from whichnorm.study import study as studies
from whichnorm.study.study import reopen
from whichnorm.training.evaluate import evaluate
from whichnorm.training.record import read_record, write_record

COMMANDS = ("mistakes", "confusion", "classes", "curves")


@pytest.fixture(scope="module", autouse=True)
def _networks_that_hardly_learned_are_asked_too():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_issues, "MOST_ERRORS", 1.0)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two arms at one seed on the digits."""
    folder = tmp_path_factory.mktemp("made") / "study"
    with shortcuts.undrawn():
        compare("digits", norms=["bn", "gn:4"], seeds=1, epochs=2, train_limit=200, threads=1, out=folder)
    return folder


def fail(path):
    write_record(path, replace(read_record(path), status="failed", reason="no gradient"))


def shown_json(capsys, *arguments):
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", ["confusion", "classes"])
def test_every_picture_is_written_as_png_and_svg(study, tmp_path, capsys, command):
    shown = shown_json(capsys, command, study, "--out", tmp_path / "out")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    stems = {path.rpartition("/")[2].removesuffix(".png") for path in shown["pictures"]}
    assert stems
    assert written == {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")}


@pytest.mark.parametrize("command", [*COMMANDS, "gradcam"])
def test_a_command_about_some_arms_leaves_the_report_about_all_as_it_is(study, undrawn, tmp_path, capsys, command):
    copy = shutil.copytree(study, tmp_path / "study")
    report = {path: path.stat().st_mtime_ns for path in (copy / "report").rglob("*")}
    shown = shown_json(capsys, command, copy, "--norms", "bn")
    assert shown["pictures"]
    assert {path.rpartition("/")[0] for path in shown["pictures"]} == {str(copy / "pictures")}
    assert {path: path.stat().st_mtime_ns for path in (copy / "report").rglob("*")} == report


def test_the_numbers_of_the_commands_agree_with_the_records(study, undrawn, tmp_path, capsys):
    results = json.loads((study / "results.json").read_text())
    total = results["num_test_images"]
    right = {arm["norm"]: round(arm["test_accuracy"]["mean"] * total) for arm in results["arms"]}
    mistakes = shown_json(capsys, "mistakes", study, "--out", tmp_path, "--no-labels")["found"]
    confusion = shown_json(capsys, "confusion", study, "--out", tmp_path)["found"]
    classes = shown_json(capsys, "classes", study, "--out", tmp_path)["found"]
    both = mistakes["missed_by_all"]["number"]
    for arm, number in right.items():
        of_arm = mistakes["arms"][arm]
        assert (of_arm["runs"], of_arm["missed"], of_arm["wrong"]) == (1, total - number, total - number)
        assert mistakes["missed_only_by"][arm]["number"] == total - number - both
        assert sum(row[k] for k, row in enumerate(confusion["arms"][arm]["counts"])) == number
        means = [accuracy["estimate"] for accuracy in classes["arms"][arm]["accuracy"]]
        assert sum(m * n for m, n in zip(means, classes["num_images"], strict=True)) == pytest.approx(number)
    (difference,) = confusion["differences"]
    assert sum(row[k] for k, row in enumerate(difference["difference"])) == right["bn"] - right["gn:4"]


def test_curves_are_those_of_the_records(study, undrawn, tmp_path, capsys):
    found = shown_json(capsys, "curves", study, "--out", tmp_path)["found"]
    record = read_record(study / "runs" / "bn-seed0.json")
    assert found["split"] == "val"
    assert found["arms"]["bn"]["held_out"]["accuracy"]["mean"] == [row.val_accuracy for row in record.epochs]
    assert found["arms"]["bn"]["train"]["loss"]["values"] == [[row.train_loss for row in record.epochs]]


@pytest.mark.parametrize("command", ["curves", "classes", "confusion"])
def test_commands_that_show_no_images_need_none(study, undrawn, tmp_path, monkeypatch, capsys, command):
    monkeypatch.setattr(studies, "load_splits", no_data)
    assert shown_json(capsys, command, study, "--out", tmp_path)["pictures"]


def test_mistakes_need_the_images_and_say_so(study, undrawn, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(studies, "load_splits", no_data)
    assert main(["mistakes", str(study), "--out", str(tmp_path), "--no-labels"]) == 2
    assert "the images are gone" in capsys.readouterr().err


def no_data(*_):
    raise DataError("the images are gone")


def test_json_names_classes_and_images(study, undrawn, tmp_path, capsys):
    record = read_record(study / "runs" / "bn-seed0.json")
    mistakes = shown_json(capsys, "mistakes", study, "--out", tmp_path, "--no-labels")["found"]
    for mistake in mistakes["arms"]["bn"]["shown"]:
        assert mistake["predicted_class"] == mistakes["class_names"][record.test_predictions[mistake["index"]]]
        assert mistake["confidence"] == record.test_confidences[mistake["index"]]
    assert "pixels" not in mistakes
    confusion = shown_json(capsys, "confusion", study, "--out", tmp_path)["found"]
    for pair in confusion["arms"]["bn"]["frequent"]:
        assert confusion["arms"]["bn"]["counts"][pair["label"]][pair["prediction"]] == pair["count"]
        assert confusion["class_names"][pair["label"]] == pair["true_class"]
    (difference,) = confusion["differences"]
    marked = {(cell["label"], cell["prediction"]) for cell in difference["marked"]}
    at = [(k, m) for k, row in enumerate(difference["beyond_chance"]) for m, framed in enumerate(row) if framed]
    assert marked == set(at)
    assert "images" not in confusion


def test_a_choice_of_arms_shows_these_only(study, undrawn, tmp_path, capsys):
    out = tmp_path / "out"
    assert list(shown_json(capsys, "confusion", study, "--out", out, "--norms", "gn:4")["found"]["arms"]) == ["gn:4"]
    assert {path.stem for path in out.iterdir()} == {"gn-4_confusion"}
    assert list(shown_json(capsys, "curves", study, "--out", out, "--norms", "gn:4,gn:4")["found"]["arms"]) == ["gn:4"]


def test_a_single_picture_goes_into_a_file(study, tmp_path, capsys):
    assert main(["classes", str(study), "--out", str(tmp_path / "deep" / "c.svg")]) == 0
    assert (tmp_path / "deep" / "c.svg").read_bytes().startswith(b"<?xml")
    assert main(["mistakes", str(study), "--norms", "bn", "--out", str(tmp_path / "m.PNG")]) == 0
    assert (tmp_path / "m.PNG").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.rstrip().endswith(f"picture: {tmp_path / 'm.PNG'}")


def test_text_shows_counts_beside_what_independence_would_give(study, undrawn, tmp_path, capsys):
    shown = shown_json(capsys, "mistakes", study, "--out", tmp_path, "--no-labels")["found"]["missed_by_all"]
    assert main(["mistakes", str(study), "--out", str(tmp_path), "--no-labels"]) == 0
    text = capsys.readouterr().out
    assert "Expected if independent" in text
    (line,) = [line for line in text.splitlines() if line.strip().startswith("every arm")]
    assert line.split()[2] == str(shown["number"])


def test_without_cleanlab_the_pictures_are_made_and_the_extra_is_named(study, undrawn, tmp_path, monkeypatch, capsys):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("cleanlab"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    copy = shutil.copytree(study, tmp_path / "study")
    kept(copy).unlink(missing_ok=True)  # what an earlier look has found needs no cleanlab
    shown = shown_json(capsys, "mistakes", copy, "--out", tmp_path)
    assert "pip install 'whichnorm[labels]'" in shown["sentences"][0]
    assert (tmp_path / "missed_by_all.png").exists()
    assert shown["found"]["label_candidates"] is None


def kept(study):
    return study / "examined" / "label_issues.json"


def test_with_cleanlab_candidates_are_among_what_every_arm_misses(study, undrawn, tmp_path, capsys):
    pytest.importorskip("cleanlab")
    shown = shown_json(capsys, "mistakes", study, "--out", tmp_path)
    candidates = shown["found"]["label_candidates"]
    assert shown["sentences"] == []
    assert candidates
    assert {candidate["index"] for candidate in candidates} <= set(shown["found"]["missed_by_all"]["images"])
    assert (tmp_path / "label_issues.png").exists()


def test_doubtful_labels_are_looked_for_once_and_again_when_weights_change(
    study, undrawn, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("cleanlab")
    copy = shutil.copytree(study, tmp_path / "study")
    asked = []
    monkeypatch.setattr(label_issues, "evaluate", lambda *args: asked.append(1) or evaluate(*args))
    first = shown_json(capsys, "mistakes", copy)["found"]
    assert shown_json(capsys, "mistakes", copy)["found"] == first
    assert asked == []  # they were kept with the report
    kept(copy).write_text("{")
    again = shown_json(capsys, "mistakes", copy)
    assert again["found"] | {"labels_reason": ""} == first
    assert "examined/label_issues.json: not readable as JSON" in again["found"]["labels_reason"]
    assert len(asked) == 2
    weights = copy / "runs" / "bn-seed0.safetensors"
    held = load_file(weights)
    save_file({name: value + 0.01 if value.is_floating_point() else value for name, value in held.items()}, weights)
    assert shown_json(capsys, "mistakes", copy)["found"] != first
    assert len(asked) == 4
    shown_json(capsys, "mistakes", copy, "--norms", "gn:4,bn")
    shown_json(capsys, "mistakes", copy)
    assert len(asked) == 6  # those of a choice of arms are not kept, and leave those of all


def test_a_damaged_file_of_doubtful_labels_is_said(tmp_path):
    path = tmp_path / "label_issues.json"
    doubt = LabelDoubt(index=3, labelled_class="猫", labelled_softmax=0.01, network_class="b", network_softmax=0.9)
    write_kept(path, "digest", LabelDoubts(doubts=(doubt,)))
    assert read_kept(path, "digest", LabelDoubts) == Kept(LabelDoubts(doubts=(doubt,)))
    assert read_kept(path, "other", LabelDoubts) == ""
    for text in ("", "[]", "{}", "[" * 100_000, path.read_text().replace("0.9", "NaN").replace('"b"', "7"),
                 path.read_text().replace('"index": 3', '"index": "3"')):  # fmt: skip
        path.write_text(text)
        assert str(read_kept(path, "digest", LabelDoubts)).startswith("examined/label_issues.json")


def test_probabilities_are_the_mean_softmax_of_the_trained_networks(study):
    study = reopen(study)
    runs, records = study.finished_runs(), read_results(study).records
    alone = [mean_probabilities(study, [run]) for run in runs]
    for record, softmax in zip(records, alone, strict=True):
        np.testing.assert_allclose(softmax.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(softmax.max(axis=1), record.test_confidences, atol=1e-3)
        np.testing.assert_array_equal(softmax.argmax(axis=1), record.test_predictions)
    np.testing.assert_allclose(mean_probabilities(study, runs), np.mean(alone, axis=0), atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--norms", "ln"], ["ln is no arm", "it has bn, gn:4"]),
        (["--norms", ","], ["nothing is no arm"]),
        (["--norms", "bm"], ["bm"]),
        (["--out", "x.jpg"], ["x.jpg", ".png or .svg"]),
        (["--out", "x.png"], ["pictures", "name a folder"]),
        (["--out", "folder.svg"], ["is a folder"]),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(study, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.svg").mkdir()
    assert main(["confusion", str(study), *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert all(word in shown.err for word in words), shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_without_a_study_is_one_line(tmp_path, capsys, command):
    assert main([command, str(tmp_path)]) == 2
    assert "no study.json" in capsys.readouterr().err


def test_arms_that_did_not_finish_are_left_out_and_none_at_all_is_one_line(study, undrawn, tmp_path, capsys):
    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    fail(copy / "runs" / "gn-4-seed0.json")
    shown = shown_json(capsys, "mistakes", copy, "--out", tmp_path / "out")
    assert list(shown["found"]["arms"]) == ["bn"]
    assert shown["found"]["missed_by_all"] is None
    assert shown["sentences"] == ["GroupNorm, 4 groups: no finished run."]
    fail(copy / "runs" / "bn-seed0.json")
    for command in ("mistakes", "confusion", "classes"):
        assert main([command, str(copy)]) == 2
        shown = capsys.readouterr()
        assert (shown.out, shown.err.count("\n")) == ("", 1)
        assert "no run of BatchNorm and GroupNorm, 4 groups, finished" in shown.err
    shown = shown_json(capsys, "curves", copy, "--out", tmp_path / "out")
    assert shown["sentences"] == [
        f"{arm_title(arm)}: no finished run; its curves are those of the runs that stopped." for arm in ("bn", "gn:4")
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(capsys, command):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"whichnorm {command} runs/demo" in capsys.readouterr().out

"""Questions asked of every trained network: what is kept, what is asked again, and what stands where one cannot be."""

import json
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from answers import LATENCY

from whichnorm import compare
from whichnorm.analyses import ANALYSES, asking
from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.asking import ask_runs
from whichnorm.analyses.batch_dependence import measure as batch_dependence
from whichnorm.analyses.batch_statistics import measure as batch_statistics
from whichnorm.analyses.calibration import measure as calibration
from whichnorm.analyses.corruptions import measure as corruptions
from whichnorm.analyses.cost import CostOptions
from whichnorm.analyses.examined_json import examined_json
from whichnorm.analyses.kept import read_kept
from whichnorm.analyses.per_run import PerRunAnalysis, measure_together
from whichnorm.api import read_results
from whichnorm.cli import main
from whichnorm.errors import DataError, WhichnormError
from whichnorm.render import files
from whichnorm.specs.codec import encode
from whichnorm.study import study as studies
from whichnorm.study.study import Study, reopen
from whichnorm.training.checkpoint import write_weights

OPTIONS = {"epochs": 2, "train_limit": 300, "threads": 1, "precision": "float32"}
OF_RUNS = tuple(one.question(NoOptions()) for one in (batch_statistics, corruptions, calibration, batch_dependence))
_, CORRUPTIONS, CALIBRATION, _ = OF_RUNS
NAMES = [analysis.name for analysis in ANALYSES if isinstance(analysis, PerRunAnalysis)]
COMMITTED = Path(__file__).parents[1] / "results" / "wynet_seeds"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two arms at two seeds on the digits, with the answers of all networks."""
    out = tmp_path_factory.mktemp("asked") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whichnorm.report.write_report", lambda results, found: None)  # drawing takes most of the time
        return out, compare(norms=["bn", "gn:4"], seeds=2, out=out, latency=False, **OPTIONS)


@pytest.fixture
def copied(finished, tmp_path):
    return reopen(shutil.copytree(finished[0], tmp_path / "copy"))


@pytest.fixture
def asked(monkeypatch):
    """Count which networks are opened and which questions are asked."""
    counts = Counter()
    opened, once = Study.network, asking._asked

    def opening(study, run):
        counts[run.key] += 1
        return opened(study, run)

    def asking_once(question, subject, before, *rest):
        counts[question.name, before.arm, before.seed] += 1
        return once(question, subject, before, *rest)

    monkeypatch.setattr(Study, "network", opening)
    monkeypatch.setattr(asking, "_asked", asking_once)
    return counts


def ask(study, *questions, latency=False):
    results = read_results(study)
    if questions:
        return ask_runs(study, results, questions)
    options = {analysis.name: analysis.of_report() for analysis in ANALYSES} | {"cost": CostOptions(latency=latency)}
    return measure_together(study, results, ANALYSES, options)


def found_in(results):
    return {name: results.found[name] for name in NAMES}


def test_compare_asks_every_run_and_arm_and_keeps_the_answers(finished):
    out, results = finished
    runs = [f"{arm}-seed{seed}" for arm in ("bn", "gn-4") for seed in (0, 1)]
    of_others = ("gradcam.", "label_issues.")
    assert {path.name for path in (out / "examined").iterdir() if not path.name.startswith(of_others)} == {
        *(f"{run}.{question.name}.json" for run in runs for question in OF_RUNS), "bn.cost.json", "gn-4.cost.json",
    }  # fmt: skip
    for question in OF_RUNS:
        answers = results.found[question.name]
        assert [(run.arm, run.seed) for run in answers.runs] == [(r.arm, r.seed) for r in results.records]
        assert answers.unanswered == []


def test_the_answers_are_those_of_the_records(finished):
    _, results = finished
    of_runs = zip(results.records, *(results.found[question.name].runs for question in OF_RUNS), strict=True)
    for record, statistics, _, calibrated, dependence in of_runs:
        assert calibrated.found.num_images == results.num_test_images
        mean = sum(record.test_confidences) / len(record.test_confidences)
        assert calibrated.found.overconfidence == pytest.approx(mean - record.last.test_accuracy, abs=1e-4)
        assert (statistics.found is not None) == (record.arm == "bn")
        if statistics.found:
            assert statistics.found.running_accuracy == pytest.approx(record.last.test_accuracy)
            assert statistics.found.num_train_images == 270
            assert len(statistics.found.layers) == 4
        else:
            assert dependence.found.changed_in_batch_mode == 0


def test_the_batch_is_the_recipes(finished):
    out, results = finished
    size = reopen(out).spec.recipe.images_per_forward
    assert {run.found.batch_size for run in results.found["batch-dependence"].runs} == {size}
    assert results.found["batch-statistics"].runs[0].found.batch_size == size


def test_what_is_there_reads_back_the_same_without_networks_and_images(finished, copied, asked, monkeypatch):
    monkeypatch.setattr(studies, "load_splits", lambda *_: 1 / 0)
    assert ask(copied) == found_in(finished[1])
    assert not asked


def test_a_network_is_opened_once_for_all_that_the_report_asks(finished, copied, asked):
    shutil.rmtree(copied.folder.root / "examined")
    found = ask(copied)
    assert {key: count for key, count in asked.items() if isinstance(key, str)} == {
        run.key: 1 for run in copied.spec.runs()
    }
    assert list(found) == NAMES
    assert {name: found[name] for name in NAMES[:-1]} == {name: finished[1].found[name] for name in NAMES[:-1]}


def test_a_command_asks_its_own_question_only(copied, asked, monkeypatch, capsys):
    shutil.rmtree(copied.folder.root / "examined")
    monkeypatch.setattr(files, "saved", lambda figure: {"svg": b"", "png": b""})
    assert main(["calibration", str(copied.folder.root), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {path.name for path in (copied.folder.root / "examined").iterdir()} == {
        f"{run.key}.calibration.json" for run in copied.spec.runs()
    }
    assert [run["arm"] for run in shown["found"]["runs"]] == ["bn", "gn:4", "bn", "gn:4"]
    assert shown["found"]["runs"][0]["found"]["num_bins"] == 15


def test_a_retrained_run_is_asked_again_and_the_others_are_not(copied, asked):
    run = copied.spec.runs()[0]
    network = copied.network(run)
    asked.clear()
    with torch.no_grad():
        next(network.parameters()).mul_(2)
    write_weights(copied.folder.weights(run), network)
    ask(copied)
    assert asked == {run.key: 1} | {(name, "bn", 0): 1 for name in NAMES}
    ask(copied)
    assert asked[run.key] == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: text.replace('"num_images"', '"number"'),
        lambda text: text.replace('"clean_accuracy": 0', '"clean_accuracy": "0'),
        lambda text: text.replace('"clean_accuracy": 0', '"clean_accuracy": 9'),
        lambda text: text.replace('"clean_accuracy": ', '"clean_accuracy": 1e300, "other": '),
        lambda text: text.replace('"num_images": ', '"num_images": -'),
        lambda text: text.replace('"clean_accuracy": ', '"clean_accuracy": NaN, "other": '),
        lambda text: text.replace('"clean_accuracy": ', '"clean_accuracy": 1e999, "other": '),
        lambda text: text.replace('"num_images": ', '"num_images": 1' + 400 * "0"),
        lambda text: text.replace('"num_images": ', '"num_images": 1' + 5000 * "0"),
        lambda text: text.replace('"JPEG": [', '"JPEG": [0.5, '),
        lambda text: text.replace('"JPEG"', '"fog"'),
        lambda text: text.replace('"accuracies": {', '"accuracies": [1], "others": {'),
        lambda text: text.replace('"found": {', '"found": null, "others": {'),
    ],
)
def test_a_damaged_file_is_said_and_made_again(copied, asked, finished, damage):
    run = copied.spec.runs()[0]
    path = CORRUPTIONS.path(copied, run)
    before = path.read_text()
    assert damage(before) != before
    path.write_text(damage(before))
    first, *others = ask(copied)["corruptions"].runs
    assert first.damage.startswith(f"examined/{path.name}: ")
    assert (replace(first, damage=""), *others) == finished[1].found["corruptions"].runs
    assert asked == {run.key: 1, ("corruptions", "bn", 0): 1}
    assert path.read_text() == before


def test_a_file_of_another_version_counts_as_not_there(copied, asked, finished):
    path = CORRUPTIONS.path(copied, copied.spec.runs()[0])
    before = path.read_text()
    path.write_text(before.replace('"schema": 1', '"schema": 99'))
    assert ask(copied)["corruptions"] == finished[1].found["corruptions"]
    assert path.read_text() == before


def test_the_section_says_once_which_kept_files_were_damaged(finished):
    _, results = finished
    runs = tuple(replace(run, damage=f"file {run.seed} is cut") for run in results.found["calibration"].runs)
    section = next(one for one in ANALYSES if one.name == "calibration").section(
        replace(results.found["calibration"], runs=runs), results
    )
    assert section.sentences[-1] == (
        "4 kept files could not be read, so the networks were asked again. file 0 is cut"
    )  # fmt: skip
    assert section.tables


def test_a_file_that_is_no_text_or_a_folder_is_damaged(tmp_path):
    binary, folder = tmp_path / "binary.json", tmp_path / "folder.json"
    binary.write_bytes(b"\xff\xfe\x00")
    folder.mkdir()
    for path in (binary, folder):
        assert "not readable" in read_kept(path, "", corruptions.CorruptionScores)
    assert read_kept(tmp_path / "absent.json", "", corruptions.CorruptionScores) == ""


def test_files_of_all_answers_together_as_they_were_written_before_are_read(finished, copied, asked):
    folder = copied.folder.root / "examined"
    old_keys = {question.name: question.old_key for question in OF_RUNS}
    assert set(old_keys.values()) == {"batch_statistics", "corruptions", "calibration", "companions"}
    for run in copied.spec.runs():
        kept = {}
        for name, key in old_keys.items():
            path = folder / f"{run.key}.{name}.json"
            held = json.loads(path.read_text())
            kept[key] = held["found"]
            path.unlink()
        (folder / f"{run.key}.json").write_text(json.dumps({**held, "found": kept}))
    assert ask(copied) == found_in(finished[1])
    assert not asked


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_study_is_shown_without_its_images_or_networks(name, asked, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(studies, "load_splits", lambda *_: 1 / 0)
    monkeypatch.setattr(files, "saved", lambda figure: {"svg": b"", "png": b""})
    assert main([name, str(COMMITTED), "--out", str(tmp_path)]) == 0
    assert not asked
    number = {"batch-statistics": "76.55 %", "corruptions": "33.76 %", "calibration": "9.53 %",
              "batch-dependence": "13.20 %", "cost": "33,126"}[name]  # fmt: skip
    assert number in capsys.readouterr().out


def test_results_json_has_the_answers_of_a_committed_study_as_before():
    study = reopen(COMMITTED)
    options = {analysis.name: analysis.of_report() for analysis in ANALYSES}
    found = measure_together(study, read_results(study), ANALYSES, options)
    assert examined_json(found) == json.loads((COMMITTED / "results.json").read_text())["examined"]


def test_a_damaged_cost_is_measured_again(copied, asked):
    (copied.folder.root / "examined" / "gn-4.cost.json").write_text('{"schema": 1}')
    assert ask(copied)["cost"].of_arm("gn:4")[0].peak_memory_bytes > 0
    assert asked == {"gn-4-seed0": 1, ("cost", "gn:4", 0): 1}


def test_a_latency_is_measured_when_it_is_wanted_and_missing_and_then_kept(copied, asked, monkeypatch):
    monkeypatch.setattr("whichnorm.analyses.cost.measure.measure_latency", lambda *_: LATENCY)
    for wanted in (True, True, False):
        assert [one.latency for one in ask(copied, latency=wanted)["cost"].of_arm("bn")] == [LATENCY]
    assert asked == {key: 1 for arm in ("bn", "gn:4") for key in (f"{arm.replace(':', '-')}-seed0", ("cost", arm, 0))}


def test_a_cost_stands_with_the_reason_why_it_could_not_be_measured_again(copied, finished):
    copied.folder.weights(copied.spec.runs()[0]).unlink()
    cost = ask(copied, latency=True)["cost"].runs[0]
    assert cost.found == finished[1].found["cost"].runs[0].found
    assert "not the readable weights of this run" in cost.reason


def test_answers_stand_where_their_weights_are_not_there_any_more(finished, copied, asked):
    for run in copied.spec.runs():
        copied.folder.weights(run).unlink()
    assert ask(copied) == found_in(finished[1])
    assert not asked


def test_missing_weights_without_an_answer_are_a_reason_in_place_of_numbers(copied):
    run = copied.spec.runs()[0]
    copied.folder.weights(run).unlink()
    CORRUPTIONS.path(copied, run).unlink()
    first, *others = ask(copied)["corruptions"].runs
    assert first.found is None
    assert "not the readable weights of this run" in first.reason
    assert all(run.found for run in others)


def test_images_that_cannot_be_loaded_are_a_reason_met_once(copied, asked, monkeypatch):
    loaded = []

    def load(*_):
        loaded.append(1)
        raise DataError("the images are gone")

    monkeypatch.setattr(studies, "load_splits", load)
    shutil.rmtree(copied.folder.root / "examined")
    found = ask(copied)
    assert {run.reason for answers in found.values() for run in answers.runs} == {"the images are gone"}
    assert loaded == [1]
    assert all(not isinstance(key, str) for key in asked)  # no network was opened


@pytest.mark.parametrize("name", NAMES[:-1])
def test_the_section_says_who_could_not_be_asked_and_keeps_the_others(finished, name):
    _, results = finished
    analysis = next(one for one in ANALYSES if one.name == name)
    first, *others = results.found[name].runs
    missing = replace(first, found=None, reason="no weights")
    some = analysis.section(replace(results.found[name], runs=(missing, *others)), results)
    assert some.sentences[-1] == "1 of 4 networks could not be asked. BatchNorm at seed 0: no weights"
    assert some.tables
    reasons = tuple(replace(run, found=None, reason=f"no weights {run.seed}") for run in results.found[name].runs)
    none = analysis.section(replace(results.found[name], runs=reasons), results)
    assert none.sentences == ("4 of 4 networks could not be asked. BatchNorm at seed 0: no weights 0",)
    assert len(none.folded[0].sentences) == 4
    assert (none.tables, none.pictures) == ((), ())


def test_a_network_that_cannot_be_built_any_more_leaves_reasons(tmp_path, monkeypatch):
    module = tmp_path / "mynet.py"
    module.write_text("from networks import small as make\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("whichnorm.report.write_report", lambda results, found: None)
    out = tmp_path / "study"
    compare(norms=["bn", "gn:4"], seeds=1, model="mynet:make", out=out, latency=False, **OPTIONS)
    shutil.rmtree(out / "examined")
    module.unlink()
    monkeypatch.delitem(sys.modules, "mynet")
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    study = reopen(out)
    found, results = ask(study), read_results(study)
    for analysis in ANALYSES:
        if analysis.name in found:
            runs = found[analysis.name].runs
            assert [run.found for run in runs] == [None, None]
            assert all("mynet" in run.reason and "\n" not in run.reason for run in runs)
            section = analysis.section(found[analysis.name], results)
            assert "mynet" in section.sentences[-1]
    content = examined_json(found)
    assert [(run["arm"], run["found"]) for run in content["runs"]] == [("bn", None), ("gn:4", None)]
    assert [(arm["arm"], arm["cost"]) for arm in content["arms"]] == [("bn", None), ("gn:4", None)]
    assert all("mynet" in one["reason"] for part in content.values() for one in part)
    json.dumps(content, allow_nan=False)


def test_an_error_of_the_users_own_network_is_a_reason_and_other_questions_are_answered(copied, monkeypatch):
    shutil.rmtree(copied.folder.root / "examined")
    failing = replace(CORRUPTIONS, ask=lambda trained: 1 / 0)
    found = ask(copied, CALIBRATION, failing)
    first = found["corruptions"].runs[0]
    assert first.found is None
    assert first.reason == (
        "corruptions of bn at seed 0 cannot be measured: ZeroDivisionError: division by zero"
    )  # fmt: skip
    assert found["calibration"].unanswered == []


def test_an_answer_that_cannot_be_kept_is_there_with_the_reason(copied, finished):
    folder = copied.folder.root / "examined"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    found = ask(copied, CALIBRATION)["calibration"]
    assert [run.found for run in found.runs] == [run.found for run in finished[1].found["calibration"].runs]
    assert all("cannot be written" in run.reason for run in found.runs)


def test_runs_that_did_not_finish_are_not_asked(copied):
    results = read_results(copied)
    records = tuple(replace(r, status="diverged") if r.seed == 1 else r for r in results.records)
    found = ask_runs(copied, replace(results, records=records), OF_RUNS)
    assert {run.seed for answers in found.values() for run in answers.runs} == {0}


def test_some_arms_are_asked_alone(copied):
    found = ask_runs(copied, read_results(copied).only(["gn:4"]), OF_RUNS)
    assert {run.arm for answers in found.values() for run in answers.runs} == {"gn:4"}


def test_an_analysis_that_could_not_measure_leaves_its_part_of_results_json_empty(finished):
    found = {**found_in(finished[1]), "corruptions": WhichnormError("no room")}
    first = examined_json(found)["runs"][0]["found"]
    assert first["corruptions"] is None
    assert first["calibration"] == encode(found["calibration"].runs[0].found)


def test_the_same_answers_give_the_same_section(finished):
    _, results = finished
    for analysis in ANALYSES:
        if analysis.name in NAMES:
            a, b = (analysis.section(results.found[analysis.name], results) for _ in range(2))
            assert (a.title, a.sentences, a.tables) == (b.title, b.sentences, b.tables)


def test_every_table_has_a_cell_under_every_heading_and_captions_are_short(finished):
    _, results = finished
    for analysis in ANALYSES:
        if analysis.name not in NAMES:
            continue
        section = analysis.section(results.found[analysis.name], results)
        tables = (*section.tables, *(table for folded in section.folded for table in folded.tables))
        assert tables
        assert all(len(row) == len(table.headings) for table in tables for row in table.rows)
        assert all(0 < len(picture.caption.split()) <= 40 for picture in section.pictures)
        assert len(section.label.split()) <= 2


def test_the_report_has_the_numbers_of_the_answers(finished, copied, monkeypatch):
    monkeypatch.setattr(files, "saved", lambda figure: {"svg": b"", "png": b""})
    page = (write_report(copied)).read_text()
    values = [one.precise_accuracy for one in finished[1].found["batch-statistics"].of_arm("bn")]
    assert f"{100 * sum(values) / 2:.2f} %" in page
    assert "No latency: not measured: --no-latency." in page


def write_report(study):
    from whichnorm.render import markdown
    from whichnorm.report import make_content, measure_all

    results = read_results(study)
    found = dict(measure_all(study, results, {"cost": CostOptions(latency=False)}))
    path = study.folder.root / "README.md"
    path.write_text(markdown.render(make_content(results, found)))
    return path


def test_no_latency_is_an_option_of_compare(tmp_path, monkeypatch):
    monkeypatch.setattr("whichnorm.analyses.cost.measure.measure_latency", lambda *_: 1 / 0)
    monkeypatch.setattr("whichnorm.report.write_report", lambda results, found: None)
    out = tmp_path / "study"
    options = ["--norms", "bn", "--seeds", "1", "--epochs", "1", "--train-limit", "200", "--threads", "1"]
    assert main(["compare", *options, "--no-latency", "--out", str(out)]) in (0, 1)
    cost = json.loads((out / "examined" / "bn.cost.json").read_text())["found"]
    assert cost["latency_reason"] == "not measured: --no-latency"

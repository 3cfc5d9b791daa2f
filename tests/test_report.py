"""The report: its estimates against numpy and scipy, its pictures, and a page that says what the results say."""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from urllib.parse import unquote

import matplotlib
import numpy as np
import pytest
import reports
from pages import HOSTILE, Page
from PIL import Image
from synthetic import (
    digits_test,
    diverged,
    failed,
    make_records,
    make_results,
    make_study,
    noise_test,
)  # fmt: skip

from whichnorm.analyses import ANALYSES
from whichnorm.analyses.accuracy.tables import arms_table
from whichnorm.analyses.curves import Curves
from whichnorm.analyses.curves.pictures import curve_pictures
from whichnorm.analyses.headline.answer import answer_sentence
from whichnorm.analyses.headline.points import key_points
from whichnorm.analyses.method.section import pairing_sentences
from whichnorm.analyses.sensitivity.found import Sensitivity
from whichnorm.analyses.wording import outcome, paired_seeds
from whichnorm.errors import StudyError
from whichnorm.render.export import as_csv, as_latex
from whichnorm.render.style import saved
from whichnorm.render.text import points, points_interval, printable, shorten
from whichnorm.report import make_content, write_report
from whichnorm.results.verdict import more_seeds_text
from whichnorm.specs.names import difference_title

NOT_MEASURED = {"corruptions": StudyError("not measured"), "sensitivity": Sensitivity()}


def report(results, test) -> Page:
    return Page(reports.report(results, test).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """Three arms at three seeds on the digits."""
    results = make_results(tmp_path_factory.mktemp("usual"))
    return results, report(results, digits_test())


def test_every_figure_is_there_as_png_and_svg_and_can_be_read(usual):
    results, _ = usual
    folder = results.folder / "report" / "figures"
    shared = ["test_accuracy", "differences", "validation_loss", "validation_accuracy", "class_accuracy"]
    shared += ["difference_bn_gn-8", "difference_bn_ln", "difference_gn-8_ln"]
    of_arms = [f"{arm}_{kind}" for arm in ("bn", "gn-8", "ln") for kind in ("curves", "mistakes", "confusion")]
    expected = {f"{name}.{suffix}" for name in shared + of_arms for suffix in ("png", "svg")}
    assert {path.name for path in folder.iterdir()} == expected
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            image.load()
            assert image.width >= 600, path.name
    for path in folder.glob("*.svg"):
        assert ET.parse(path).getroot().tag.endswith("svg"), path.name


def test_the_numbers_of_the_page_are_those_of_the_results(usual):
    results, page = usual
    assert results.verdict.text in page.text
    for arm in results.arms:
        for summary in (arm.test_accuracy, arm.train_accuracy, arm.val_accuracy):
            assert f"{100 * summary.mean:.2f} % [{100 * summary.ci95[0]:.2f}, {100 * summary.ci95[1]:.2f}]" in page.text
        epochs = list(dict.fromkeys(str(run.best_test.epoch) for run in results.finished(arm.norm)))  # each once
        said = f"at epoch{'s' if len(epochs) > 1 else ''} {', '.join(epochs)}"
        assert f"{100 * arm.best_test_accuracy.mean:.2f} % {said}" in page.text
        assert f"{arm.params:,}" in page.text
        assert f"{arm.train_seconds.mean:.1f} s" in page.text
    for c in results.comparisons:
        call = outcome(c) if c.call != "cannot tell" else f"cannot tell {more_seeds_text(c)}"
        assert f"{difference_title(c.a, c.b)} {call} {points(c.difference)} {points_interval(c.interval)}" in page.text
    assert "Best epoch by the test set" in page.text
    assert "cpu (Example Processor 3000)" in page.text


def test_alternative_texts_carry_the_numbers(usual):
    results, page = usual
    images = page.all("img")
    assert all(image["alt"] for image in images)
    accuracy = next(i["alt"] for i in images if i["alt"].startswith("Test accuracy"))
    losses = next(i["alt"] for i in images if "alidation loss" in i["alt"])
    for arm in results.arms:
        assert f"{100 * arm.test_accuracy.mean:.2f} %" in accuracy
        assert f"{np.mean([r.last.val_loss for r in results.finished(arm.norm)]):.4f}" in losses


def test_the_page_needs_no_network_and_no_other_file(usual):
    results, page = usual
    html = (results.folder / "report" / "index.html").read_text()
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|import\(", html)
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "object")]
    assert page.all("script") == [{"type": "application/json", "id": "data"}, {}]
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert len(html) < 5e6
    svg = next(i["src"] for i in page.all("img") if "svg" in i["src"])
    assert base64.b64decode(svg.partition(",")[2]).startswith(b"<?xml")


def test_no_script_but_the_pages_own_may_run(usual):
    _, page = usual
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )  # fmt: skip
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert not re.search(r"eval\(|new Function|outerHTML|insertAdjacentHTML|document\.write", page.scripts[1])
    assert re.findall(r"innerHTML.*", page.scripts[1]) == ['innerHTML = "<svg></svg>";']


def test_every_interactive_picture_has_its_still_image_too(usual):
    _, page = usual
    figures = [attrs["data-widget"] for attrs in page.all("figure") if "data-widget" in attrs]
    assert set(figures) == set(json.loads(page.scripts[0])["widgets"])
    assert len(page.all("img")) == len(page.all("figure")) == 17


def test_the_answer_comes_first_then_the_statistics_then_the_analyses_in_their_order(usual):
    _, page = usual
    anchors = [attrs["id"] for tag, attrs in page.tags if tag == "h2"]
    there = {analysis.name for analysis in ANALYSES} & set(anchors)
    assert {"accuracy", "curves", "mistakes", "confusion", "classes", "cost", "method"} <= there
    assert anchors == ["answer", "statistics", *(a.name for a in ANALYSES if a.name in there)]
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2", "h3")] == ["h1"] + ["h2"] * len(anchors)


def test_the_first_block_is_the_answer_the_accuracies_and_the_points_without_statistics(usual):
    results, page = usual
    html = (results.folder / "report" / "index.html").read_text()
    block = Page(html[html.index('<section class="answer') : html.index('<section aria-labelledby="statistics">')])
    assert answer_sentence(results) in block.text
    (image,) = block.all("img")
    assert image["alt"].startswith("Test accuracy")
    assert len(block.all("dt")) == 3
    points = [f"{point.label} {point.text}" for point in key_points(results, NOT_MEASURED)]
    assert all("".join(point.split()) in "".join(block.text.split()) for point in points)
    assert " p " not in block.text
    assert len([i for i in page.all("img") if i["alt"] == image["alt"]]) == 1


def test_contents_are_at_the_side_and_in_a_bar_and_lead_to_every_section(usual):
    _, page = usual
    anchors = [f"#{attrs['id']}" for tag, attrs in page.tags if tag == "h2"]
    links = [attrs["href"] for attrs in page.all("a") if attrs["href"] in anchors]
    assert links == ["#answer", *anchors, *anchors]  # the first lets a keyboard skip the others
    assert [attrs["aria-label"] for attrs in page.all("nav")] == ["Contents", "Contents"]


def test_captions_have_at_most_forty_words(usual):
    results, _ = usual
    content = make_content(results, reports.found_in(results, digits_test()))
    tables = [t for s in content.sections for t in (*s.tables, *(t for f in s.folded for t in f.tables))]
    captions = [picture.caption for picture in content.pictures] + [table.caption for table in tables]
    assert [caption for caption in captions if len(caption.split()) > 40] == []


def test_every_figure_has_a_link_to_itself_and_to_its_files(usual):
    results, page = usual
    names = {path.stem for path in (results.folder / "report" / "figures").glob("*.png")}
    links = [attrs["href"] for attrs in page.all("a")]
    assert {attrs["id"] for attrs in page.all("figure")} == {f"figure-{name}" for name in names}
    for name in names:
        assert f"#figure-{name}" in links
        assert {f"figures/{name}.png", f"figures/{name}.svg"} <= set(links)


def test_every_table_can_be_taken_as_csv_and_as_latex(usual):
    results, page = usual
    links = {attrs["download"]: unquote(attrs["href"]) for attrs in page.all("a") if "download" in attrs}
    tables = {name: text for name, text in links.items() if name.endswith((".csv", ".tex"))}
    assert len(tables) == 2 * len(page.all("table"))
    assert tables["accuracy-1.csv"] == f"data:text/csv;charset=utf-8,{as_csv(arms_table(results))}"
    assert tables["accuracy-1.tex"] == f"data:text/x-tex;charset=utf-8,{as_latex(arms_table(results))}"


def test_the_study_and_the_software_can_be_cited(usual):
    _, page = usual
    assert "@software{whichnorm," in page.text
    assert "version = {0.1}" in page.text
    assert r"title = {Which normalization for digits\_net on digits?}" in page.text


def test_times_of_runs_are_not_called_cost(usual):
    results, page = usual
    total = sum(run.train_seconds for run in results.records)
    assert f"9 runs: {total:.1f} s of training and 4.50 s of evaluation" in page.text
    assert "it is no measure of an arm's cost" in page.text
    assert "Times the fastest" not in page.text


def test_the_page_can_be_read_without_eyes_or_mouse(usual):
    _, page = usual
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(heading.get("scope") in ("col", "row") for heading in page.all("th"))
    scrolling = [d for d in page.all("div") if "scroll" in (d.get("class") or "").split()]
    assert len(scrolling) == len(page.all("table"))
    assert all(d.get("tabindex") == "0" and d.get("aria-label") for d in scrolling)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")} <= set(ids)


def test_the_same_results_give_the_same_bytes(usual, tmp_path):
    results, _ = usual
    again = replace(results, folder=tmp_path)
    left_over = tmp_path / "report" / "figures" / "in_confusion.png"
    left_over.parent.mkdir(parents=True)
    left_over.touch()
    write_report(again, reports.found_in(results, digits_test()))
    assert not left_over.exists()
    first = sorted((results.folder / "report").rglob("*.*"))
    second = sorted((tmp_path / "report").rglob("*.*"))
    assert [p.name for p in first] == [p.name for p in second]
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes(), a.name


def test_the_callers_matplotlib_settings_stay_and_do_not_show(usual):
    results, _ = usual
    with matplotlib.rc_context({"font.size": 31, "text.usetex": True}):
        files = saved(next(curve_pictures(Curves().measure(None, results, None), results)).figure)
        assert matplotlib.rcParams["font.size"] == 31
    written = results.folder / "report" / "figures"
    assert files["svg"] == (written / "validation_loss.svg").read_bytes()
    assert files["png"] == (written / "validation_loss.png").read_bytes()


@pytest.mark.parametrize("num_classes", [10, 30])
def test_a_hostile_class_name_is_shown_and_not_run(tmp_path, num_classes):
    names = [*HOSTILE, *(f"more {i}" for i in range(num_classes - len(HOSTILE)))]
    test = noise_test(600, num_classes, channels=1)
    results = make_results(tmp_path, arms=["in"], test=test, class_names=names, study=make_study(seeds=(0,), epochs=3))
    page = report(results, test)
    assert len(page.all("script")) == 2
    assert json.loads(page.scripts[0])["classes"] == [printable(name) for name in names]
    assert not re.search("[<>&\u2028\u2029]", page.scripts[0])
    assert not [attrs for _, attrs in page.tags if "onload" in attrs]
    for name in HOSTILE:
        assert " ".join(printable(name).split()) in page.text
    for path in (tmp_path / "report" / "figures").glob("*.svg"):
        ET.parse(path)


@pytest.mark.usefixtures("undrawn")
def test_a_hostile_data_name_and_reason_are_shown_and_not_run(tmp_path):
    study, test = make_study(seeds=(0, 1), epochs=2), digits_test()
    records = make_records(["bn", "ln"], study, test, 10)
    records[0] = failed(records[0], "<img src=x onerror=alert(1)>")
    results = make_results(tmp_path, study=study, records=records, test=test)
    results.study["data"]["name"] = "/images/<b>cats</b>"
    page = report(results, test)
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "/images/<b>cats</b>" in page.text
    assert not page.all("b")


@pytest.mark.usefixtures("undrawn")
def test_one_seed_says_what_its_intervals_do_not_cover(tmp_path):
    page = report(make_results(tmp_path, arms=["bn", "ln"], study=make_study(seeds=(4,), epochs=2)), digits_test())
    assert "do not cover seed noise" in page.text
    assert "another seed may turn the order of the arms, so one seed supports no conclusion" in page.text
    assert "paired bootstrap interval over test images" in page.text
    assert "over test images; one common seed says nothing of the noise between seeds" in page.text
    assert "3 seeds or more are needed" in page.text
    assert "as crossed random effects" not in page.text
    assert "t interval" not in page.text


@pytest.mark.usefixtures("undrawn")
def test_one_arm_has_no_comparisons(tmp_path):
    page = report(make_results(tmp_path, arms=["bn"], study=make_study(epochs=2)), digits_test())
    assert "Comparison" not in page.text
    assert not (tmp_path / "report" / "figures" / "differences.svg").exists()
    assert "is the only arm" in page.text


@pytest.mark.usefixtures("undrawn")
def test_without_a_validation_split_the_curves_are_called_the_test_sets(tmp_path):
    page = report(make_results(tmp_path, arms=["bn", "ln"], study=make_study(val_fraction=0.0)), digits_test())
    assert "No validation split: these are the test set's curves." in page.text
    assert "Validation" not in page.text
    assert [i["alt"] for i in page.all("img") if i["alt"].startswith("Test loss over epochs")]


@pytest.mark.usefixtures("undrawn")
def test_faults_are_shown_with_their_reasons(tmp_path):
    study, test = make_study(), digits_test()
    records = make_records(["bn", "gn:8", "none"], study, test, 10)
    records[2::3] = [diverged(records[2], 1), diverged(records[5], 6), failed(records[8], "no gradient")]
    records[0] = replace(records[0], warnings=["still at chance after epoch 4 of 15"])
    results = make_results(tmp_path, study=study, records=records, test=test)
    page = report(results, test)
    assert "4 of 9 runs went wrong" in page.text
    for words in ("the loss was not finite in epoch 6", "no gradient", "still at chance", "no finished run"):
        assert words in page.text
    assert (tmp_path / "report" / "figures" / "none_curves.svg").exists()
    assert not (tmp_path / "report" / "figures" / "none_confusion.svg").exists()


def test_a_study_in_which_every_run_failed_has_a_report(tmp_path):
    study, test = make_study(seeds=(0,)), digits_test()
    records = [failed(r, "no gradient") for r in make_records(["bn", "ln"], study, test, 10)]
    page = report(make_results(tmp_path, study=study, records=records, test=test), test)
    assert "Cannot tell: no run finished." in page.text
    assert "2 of 2 runs went wrong" in page.text
    assert not page.all("img")


def test_pairing_is_read_from_the_weights_and_not_assumed(tmp_path):
    study, test = make_study(seeds=(0, 1), epochs=2), digits_test()
    records = make_records(["bn", "ln"], study, test, 10)
    results = make_results(tmp_path, study=study, records=records, test=test)
    assert paired_seeds(results) == {0: True, 1: True}
    assert pairing_sentences(results)[0].startswith("Paired: yes.")
    records[3] = replace(records[3], audit=replace(records[3].audit, initial_weights="other"))
    results = make_results(tmp_path, study=study, records=records, test=test)
    assert paired_seeds(results) == {0: True, 1: False}
    assert pairing_sentences(results)[0].startswith("Paired: no.")
    assert pairing_sentences(results)[0].endswith("differ at seed 1.")


def test_a_name_is_shortened_to_its_limit_with_an_ellipsis():
    assert shorten("aeroplane", 9) == "aeroplane"
    assert shorten("aeroplanes", 9) == "aeroplan…"
    assert shorten("a\x07\udcff", 9) == "a\ufffd\ufffd"

"""The Markdown report, read by an independent CommonMark parser with GitHub's tables."""

import re
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from pages import HOSTILE, Page
from reports import report
from shortcuts import undrawn
from synthetic import digits_test, failed, make_records, make_results, make_study, noise_test

from whichnorm.analyses.headline.answer import answer_sentence
from whichnorm.analyses.headline.points import key_points
from whichnorm.analyses.sensitivity.found import Sensitivity
from whichnorm.errors import StudyError
from whichnorm.render.markdown import escape
from whichnorm.render.text import points, points_interval, printable
from whichnorm.specs.names import difference_title

TEXTS = (
    *HOSTILE, "1. one", "- two", "# three", "+ four", "---", "===", "> five", "a|b", "`code`", "*bold* _it_ ~~no~~",
    "![x](y)", "[x](javascript:alert(1))", "<b>&amp;</b>", "&lt;", "https://example.org", "\\", "\\*", "2)", "\ttab",
    "a\nb", "***", "www.example.org", "(WWW.example.org)", "a@b.example",
)  # fmt: skip


def read(markdown: str) -> Page:
    return Page(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    results = make_results(tmp_path_factory.mktemp("usual"), study=make_study(epochs=3))
    with undrawn():
        report(results, digits_test())
    return results, (results.folder / "report" / "README.md").read_text()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("frame", ["{}", "a {} b", "| h |\n| --- |\n| {} |", "![{}](figures/x.png)"])
def test_any_text_is_shown_as_it_is(text, frame):
    shown = printable(text) if text.isprintable() is False and "\n" not in text and "\t" not in text else text
    page = read(frame.format(escape(shown)))
    wanted = " ".join(shown.split())
    if frame.startswith("!["):
        assert [" ".join(image["alt"].split()) for image in page.all("img")] == [wanted]
    else:
        around = "h {}" if frame.startswith("|") else frame
        assert page.text == " ".join(around.format(wanted).split())
    assert {tag for tag, _ in page.tags} <= {"p", "img", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", ["https://example.org", "(WWW.example.org)", "a@b.example"])
def test_no_text_becomes_a_link_on_github(text):
    assert not re.search(r"://|www\.|@", escape(text), re.IGNORECASE)  # what GitHub's autolinks start from


def test_the_verdict_comes_first_and_every_arm_and_difference_is_there(usual):
    results, markdown = usual
    page = read(markdown)
    assert (
        page.text.index(answer_sentence(results))
        < page.text.index(results.verdict.text)
        < page.text.index("Comparison")
    )
    for arm in results.arms:
        assert f"{100 * arm.test_accuracy.mean:.2f} %" in page.text
    for c in results.comparisons:
        assert f"{difference_title(c.a, c.b)} " in page.text
        assert f" {points(c.difference)} {points_interval(c.interval)} " in page.text


def test_it_says_what_the_page_says_in_the_same_order(usual):
    results, markdown = usual
    found = {"corruptions": StudyError("not measured"), "sensitivity": Sensitivity()}
    points = [f"{point.label}: {point.text}" for point in key_points(results, found)]
    shown = "".join(read(markdown).text.split())
    places = [shown.index("".join(point.split())) for point in points]
    assert places == sorted(places)
    html = (results.folder / "report" / "index.html").read_text()
    of_page = [Page(heading).text for heading in re.findall(r"<h2.*?</h2>", html)]
    of_readme = [read(heading).text for heading in re.findall(r"^## (.*)$", markdown, flags=re.MULTILINE)]
    assert of_page == [answer_sentence(results), *of_readme]


def test_every_figure_is_shown_from_its_file_and_has_an_alternative_text(usual):
    results, markdown = usual
    images = read(markdown).all("img")
    paths = [results.folder / "report" / unquote(image["src"]) for image in images]
    assert {path.name for path in paths} == {p.name for p in (results.folder / "report" / "figures").glob("*.png")}
    assert all(path.is_file() for path in paths)
    assert all(image["alt"] for image in images)


def test_it_has_the_pages_sections_and_tables(usual):
    results, markdown = usual
    page, html = read(markdown), Page((results.folder / "report" / "index.html").read_text())
    titles = re.findall(r"^## (.*)$", markdown, flags=re.MULTILINE)
    assert len(titles) == len(html.all("h2")) - 1  # the answer is above all headings
    assert len(page.all("table")) == len(html.all("table"))
    assert len(page.all("td")) == len(html.all("td")) + len([h for h in html.all("th") if h["scope"] == "row"])


@pytest.mark.usefixtures("undrawn")
def test_a_hostile_name_or_reason_is_shown_and_not_run(tmp_path):
    names = [*HOSTILE, *(f"more {i}" for i in range(10 - len(HOSTILE)))]
    study, test = make_study(seeds=(0,), epochs=2), noise_test(600, 10, channels=1)
    records = make_records(["in", "ln"], study, test, 10)
    records[1] = failed(records[1], "<img src=x onerror=alert(1)> | `a`\n# b")
    results = make_results(tmp_path, test=test, class_names=names, study=study, records=records)
    results.study["data"]["name"] = "/images/```\n<b>cats</b>"
    report(results, test)
    page = read((tmp_path / "report" / "README.md").read_text())
    assert not {"script", "b", "input"} & {tag for tag, _ in page.tags}
    assert all(image["src"].startswith("figures/") for image in page.all("img"))
    assert "<img src=x onerror=alert(1)> | `a`" in page.text
    for name in HOSTILE:
        assert " ".join(printable(name).split()) in page.text
    assert "/images/```" in page.text
    assert not [attrs for _, attrs in page.tags if any(key.startswith("on") for key in attrs)]

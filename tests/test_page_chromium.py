"""The page in a real browser: what loads, what a mouse and a keyboard do, narrow and wide, dark and light."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from chromium import complaints, requests, window
from PIL import Image
from playwright.sync_api import expect
from reports import report
from synthetic import digits_test, make_results, make_study, noise_test

from whichnorm.analyses.accuracy.tables import arms_table
from whichnorm.render.export import as_csv, as_latex
from whichnorm.specs.names import arm_title

EVIL = "<script>window.hacked = 1</script>"
NAMES = [EVIL, "</script>", '"><img src=x onerror="window.hacked=1">', "3", "4", "5", "6", "7", "8", "9"]
WINDOWS = [(1280, False), (1280, True), (360, False), (360, True)]
ACCURACY = "#curves ~ .pictures figure:nth-child(2)"
LOSS = "#curves ~ .pictures figure:nth-child(1)"
MATRIX = "#figure-gn-8_confusion .confusion"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three arms at two seeds on the digits, some of whose classes have names like attacks, and its page."""
    folder = tmp_path_factory.mktemp("study")
    results = make_results(folder, study=make_study(seeds=(0, 1)), class_names=NAMES)
    params = {"bn": 5_882, "gn:8": 73_770, "ln": 34_872}  # as texts they would sort otherwise
    records = [replace(r, audit=replace(r.audit, params=params[r.arm])) for r in results.records]
    results = make_results(folder, study=make_study(seeds=(0, 1)), class_names=NAMES, records=records)
    return results, report(results, digits_test())


@pytest.fixture
def page(browser, study):
    with window(browser, study[1]) as page:
        yield page
        assert complaints(page) == []
        assert page.evaluate("window.hacked === undefined")


def num_figures(path):
    return len(list((path.parent / "figures").glob("*.png")))


def texts(page, selector):
    return page.locator(selector).all_text_contents()


@pytest.mark.parametrize(("width", "dark"), WINDOWS)
@pytest.mark.parametrize("script", [True, False])
def test_everything_loads_from_the_one_file_and_fits_the_window(browser, study, width, dark, script):
    path = study[1]
    with window(browser, path, width=width, dark=dark, script=script) as page:
        page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
        widths = page.evaluate("[...document.images].map((image) => image.naturalWidth)")
        assert len(widths) == num_figures(path)
        assert min(widths) > 0
        assert complaints(page) == []
        assert requests(page) == [path.resolve().as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = np.mean([int(part) for part in re.findall(r"\d+", back)])
        assert lightness < 60 if dark else lightness > 200
        assert page.locator(".chart").count() == (8 if script else 0)


def test_without_its_script_the_page_has_every_number(browser, study):
    results, path = study
    with window(browser, path, script=False) as page:
        shown = " ".join(page.inner_text("body").split())
        assert results.verdict.text in shown
        for arm in results.arms:
            assert f"{100 * arm.test_accuracy.mean:.2f} %" in shown
        assert page.locator("button").count() == 0


COLUMN = "#accuracy + .scroll thead th:nth-child({}) button"
FIRST = "#accuracy + .scroll tbody th .cell-note"


def test_a_table_is_sorted_by_the_mouse_as_numbers(page, study):
    assert texts(page, FIRST) == ["bn", "gn:8", "ln"]
    parameters = COLUMN.format(7)
    for order, sort in [(["bn", "ln", "gn:8"], "ascending"), (["gn:8", "ln", "bn"], "descending"),
                        (["bn", "gn:8", "ln"], None)]:  # fmt: skip
        page.locator(parameters).click()
        assert texts(page, FIRST) == order
        assert page.locator(parameters).locator("..").get_attribute("aria-sort") == sort


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_table_is_sorted_from_the_keyboard(page, study, key):
    results, _ = study
    page.locator(COLUMN.format(1)).focus()
    page.keyboard.press("Tab")
    page.keyboard.press(key)
    by_accuracy = [a.norm for a in sorted(results.arms, key=lambda a: a.test_accuracy.mean)]
    assert texts(page, FIRST) == by_accuracy
    page.keyboard.press(key)
    assert texts(page, FIRST) == by_accuracy[::-1]
    assert page.locator("#accuracy + .scroll [aria-sort]").count() == 1


# ----- the first screen and the contents


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
@pytest.mark.parametrize("script", [True, False])
def test_the_first_screen_holds_the_answer_the_figure_and_the_points(browser, study, width, height, script):
    with window(browser, study[1], width=width, script=script) as page:
        page.set_viewport_size({"width": width, "height": height})
        for selector in ("#answer", ".answer img", ".answer dt >> nth=-1"):
            box = page.locator(selector).bounding_box()
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height
            assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("script", [True, False])
def test_the_contents_stay_in_view_at_the_side(browser, study, script):
    with window(browser, study[1], width=1400, script=script) as page:
        assert page.locator(".bar").is_hidden()
        page.locator(".side a", has_text="Method").click()
        expect(page.locator("#method")).to_be_in_viewport()
        expect(page.locator(".side a", has_text="Answer")).to_be_in_viewport()
        page.locator(".side a", has_text="Answer").click()
        expect(page.locator("#answer")).to_be_in_viewport()


@pytest.mark.parametrize("script", [True, False])
def test_on_a_phone_the_contents_are_a_bar_that_opens(browser, study, script):
    with window(browser, study[1], width=390, script=script) as page:
        assert page.locator(".side").is_hidden()
        assert page.locator(".bar ul").is_hidden()
        page.locator(".bar summary").click()
        page.locator(".bar a", has_text="Method").click()
        expect(page.locator("#method")).to_be_in_viewport()
        expect(page.locator(".bar summary")).to_be_in_viewport()
        assert page.locator(".bar ul").is_hidden() == script
        bar, heading = (page.locator(selector).bounding_box() for selector in (".bar summary", "#method"))
        if script:
            assert bar["y"] + bar["height"] <= heading["y"]


def test_a_keyboard_skips_the_contents(page):
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_focused()


def test_figures_scale_to_a_phones_column(browser, study):
    with window(browser, study[1], width=390) as page:
        sizes = page.locator("figure").evaluate_all(
            "(all) => all.map((one) => [one.scrollWidth - one.clientWidth, one.querySelector('img').clientWidth])"
        )
        assert all(beyond <= 0 for beyond, _ in sizes)
        assert all(shown <= 390 for _, shown in sizes)
        assert page.locator(".answer img").evaluate("(image) => image.clientWidth") > 0.85 * 390


# ----- what can be taken along, and print


def saved(page, link):
    with page.expect_download() as download:
        link.click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_figure_is_saved_from_the_page_which_may_stand_alone(browser, study, tmp_path):
    alone = tmp_path / "alone.html"
    alone.write_bytes(study[1].read_bytes())
    figures = study[1].parent / "figures"
    with window(browser, alone) as page:
        for name in ("test_accuracy", "validation_loss"):
            box = page.locator(f"#figure-{name} .take")
            assert saved(page, box.get_by_text("SVG")) == (f"{name}.svg", (figures / f"{name}.svg").read_bytes())
            written, png = saved(page, box.get_by_text("PNG"))
            assert written == f"{name}.png"
            with Image.open(io.BytesIO(png)) as image, Image.open(figures / f"{name}.png") as file:
                assert np.allclose(image.size, file.size, atol=2)


def test_a_figure_has_an_address_of_its_own(browser, study):
    with window(browser, study[1]) as page:
        page.locator("#figure-differences .take a").first.click()
        assert page.url.endswith("#figure-differences")
        expect(page.locator("#figure-differences img")).to_be_in_viewport()


@pytest.mark.parametrize("script", [True, False])
def test_a_table_is_saved_as_csv_and_latex_without_network_or_script(browser, study, script):
    with window(browser, study[1], script=script) as page:
        box = page.locator("#accuracy + .scroll + .take")
        box.locator("summary").click()
        name, content = saved(page, box.locator("a", has_text="CSV"))
        assert (name, content.decode()) == ("accuracy-1.csv", as_csv(arms_table(study[0])))
        name, content = saved(page, box.locator("a", has_text="LaTeX"))
        assert (name, content.decode()) == ("accuracy-1.tex", as_latex(arms_table(study[0])))


def test_print_has_everything_open_and_nothing_clipped(browser, study):
    with window(browser, study[1], width=703) as page:  # an A4 page between its margins
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") == 703
        clipped = "(all) => all.filter((one) => one.getBoundingClientRect().right > 704).length"
        assert page.locator("table, figure, img, pre").evaluate_all(clipped) == 0
        assert all(table.is_visible() for table in page.locator("table:not(.matrix)").all())
        assert all(image.is_visible() for image in page.locator("img").all())
        assert page.locator(".bar, .side, .take").filter(visible=True).count() == 0


# ----- charts


def test_the_pointer_over_a_curve_reads_the_records_values(page, study):
    results, _ = study
    plot = page.locator(f"{ACCURACY} .plot")
    left, right = page.evaluate("[charts[1].frame.left, charts[1].frame.right]")
    width = plot.evaluate("(plot) => plot.clientWidth")
    plot.hover(position={"x": left + 6 / 14 * (width - left - right), "y": 100})
    shown = texts(page, f"{ACCURACY} .readout")[0]
    assert shown.startswith("Epoch 7")
    for arm in results.arms:
        values = [100 * run.epochs[6].val_accuracy for run in results.finished(arm.norm)]
        assert f"{arm_title(arm.norm)}{np.mean(values):.2f} % [{min(values):.2f}, {max(values):.2f}]" in shown
    page.locator("h1").hover()
    assert page.locator(f"{ACCURACY} .readout").is_hidden()


def test_arrow_keys_read_the_curves(page, study):
    results, _ = study
    plot = page.locator(f"{ACCURACY} .plot")
    plot.focus()
    for key, epoch in [("ArrowLeft", 14), ("ArrowLeft", 13), ("ArrowRight", 14), ("Home", 1), ("ArrowLeft", 1)]:
        page.keyboard.press(key)
        role, value, spoken = (plot.get_attribute(name) for name in ("role", "aria-valuenow", "aria-valuetext"))
        mean = np.mean([100 * run.epochs[epoch - 1].val_accuracy for run in results.finished("ln")])
        assert (role, value) == ("slider", str(epoch))
        assert spoken.startswith(f"Epoch {epoch}, BatchNorm ")
        assert f"LayerNorm {mean:.2f} %" in spoken
    page.keyboard.press("Escape")
    assert page.locator(f"{ACCURACY} .readout").is_hidden()


def test_an_arm_is_switched_off_and_on_in_all_charts(page):
    def num_lines():
        return [page.locator(f"{chart} .plot .line").count() for chart in (ACCURACY, LOSS)]

    button = page.locator(f"{ACCURACY} .switches button:nth-child(2)")
    assert num_lines() == [3, 3]
    button.click()
    assert num_lines() == [2, 2]
    assert button.get_attribute("aria-pressed") == "false"
    page.locator(f"{ACCURACY} .plot").hover()
    assert "GroupNorm" not in texts(page, f"{ACCURACY} .readout")[0]
    button.focus()
    page.keyboard.press(" ")
    assert num_lines() == [3, 3]


def cell(label, prediction):
    return f"{MATRIX} tbody tr:nth-child({label + 1}) td:nth-child({prediction + 2}) button"


def check_images(page, results, test, label, prediction):
    """Compare what the panel shows with the records of gn:8 and the pixels of the test split."""
    runs = results.finished("gn:8")
    found = [
        (confidence, index, run.seed)
        for run in runs
        for index, (true, predicted, confidence) in enumerate(
            zip(test.labels.tolist(), run.test_predictions, run.test_confidences, strict=True)
        )
        if (true, predicted) == (label, prediction)
    ]
    shown = page.locator(f"{MATRIX} li").evaluate_all(
        "(items) => sheet.decode().then(() => items.map((li) => { const c = li.querySelector('canvas');"
        "return [li.innerText, c.ariaLabel, c.width, c.height,"
        "[...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]]; }))"
    )
    assert bool(shown) == bool(found)
    words = f"{len(shown)} of {len(found)} shown" if found else "No test image."
    assert words in texts(page, f"{MATRIX} .cell-images")[0]
    confidences = []
    for words, spoken, width, height, pixels in shown:
        index, seed = map(int, re.search(r"image (\d+), seed (\d+)", words).groups())
        (confidence,) = [c for c, i, s in found if (i, s) == (index, seed)]
        assert f"true {NAMES[label]}\npredicted {NAMES[prediction]}\nconfidence {100 * confidence:.2f} %" in words
        assert spoken.endswith(f"confidence {100 * confidence:.2f} %")
        painted = np.reshape(pixels, (height, width, 4))
        np.testing.assert_array_equal(painted[..., 0], test.images[index, 0].numpy())
        assert painted[..., 3].min() == 255
        confidences.append(confidence)
    assert confidences == sorted(confidences, reverse=True)


def test_a_cell_opens_by_mouse_and_shows_its_images(page, study):
    results, _ = study
    table = np.zeros((10, 10), dtype=int)
    for run in results.finished("gn:8"):
        np.add.at(table, (digits_test().labels.numpy(), run.test_predictions), 1)
    counts = [int(text or 0) for text in texts(page, f"{MATRIX} tbody button")]
    np.testing.assert_array_equal(np.reshape(counts, (10, 10)), table)
    for label, prediction in [*np.argwhere(table > 0)[::5].tolist(), [0, 5]]:
        page.locator(cell(label, prediction)).click()
        check_images(page, results, digits_test(), label, prediction)
    assert page.locator(f"{MATRIX} .cell-images").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_cell_opens_from_the_keyboard(page, study, key):
    results, _ = study
    page.locator(cell(0, 0)).focus()
    for arrow in ["ArrowDown", "ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "ArrowRight"]:
        page.keyboard.press(arrow)
    expect(page.locator(cell(1, 1))).to_be_focused()
    page.keyboard.press(key)
    check_images(page, results, digits_test(), 1, 1)
    assert page.locator(f'{MATRIX} tbody button[tabindex="0"]').count() == 1


def test_arrow_keys_stay_within_the_matrix(page):
    page.locator(cell(0, 0)).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(cell(0, 0))).to_be_focused()


def test_a_class_called_script_is_shown_and_not_run(page, study):
    assert texts(page, f"{MATRIX} tbody th")[:3] == NAMES[:3]
    page.locator(cell(0, 1)).click()
    assert texts(page, f"{MATRIX} .cell-title") == [f"{EVIL} taken for </script>"]
    assert page.evaluate("document.scripts.length") == 2
    assert page.evaluate("document.images.length") == num_figures(study[1])


def test_the_policy_stops_foreign_scripts_and_requests(browser, study):
    with window(browser, study[1]) as page:
        page.evaluate(
            "(() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 1';"
            "const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(s, i); })()"
        )
        assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'stopped')") == "stopped"
        assert page.evaluate("window.hacked === undefined")
        assert complaints(page)  # the browser says what it refused


def test_a_matrix_of_many_classes_is_made_when_asked_for(browser, tmp_path):
    test = noise_test(900, 30)
    names = [f"class {i}" for i in range(30)]
    results = make_results(tmp_path, arms=["in"], test=test, class_names=names, study=make_study(seeds=(0,), epochs=1))
    run = results.finished("in")[0]
    pairs = list(zip(test.labels.tolist(), run.test_predictions, strict=True))
    label, prediction = next((true, predicted) for true, predicted in pairs if true != predicted)
    with window(browser, report(results, test), width=360) as page:
        assert texts(page, ".matrix") == []
        page.locator(".open").click()
        assert len(texts(page, ".matrix tbody button")) == 900
        page.locator(f".matrix tbody tr:nth-child({label + 1}) td:nth-child({prediction + 2}) button").click()
        shown = [int(words.removeprefix("image ")) for words in texts(page, ".cell-images small")]
        assert shown
        assert {pairs[index] for index in shown} == {(label, prediction)}
        assert complaints(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360

"""What the sections of curves, mistakes, confusions and classes have in common: their numbers, words and figures."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.text import Text
from sections import FOUR, cells_of, found_by, section_of, tables_of
from synthetic import digits_test, failed, make_records, make_results, make_study, noise_test

import whichnorm.analyses
from whichnorm.analyses.mistakes.label_issues import LabelDoubt, LabelDoubts
from whichnorm.analyses.mistakes.measure import measure, study_mistakes
from whichnorm.errors import StudyError
from whichnorm.specs.codec import encode
from whichnorm.specs.names import arm_title, difference_title

EIGHT = ("bn", "ln", "gn:8", "in", "none", "ln-channel", "ln-element", "bn+l1:0.001")
MAX_WORDS = 40
PHONE = 358  # CSS pixels of a figure on a phone of 390
MIN_TEXT = 8  # CSS pixels


def usual(folder):
    return make_results(folder), digits_test()


def eight_arms(folder):
    return make_results(folder, arms=EIGHT, study=make_study(seeds=(0, 1), epochs=3)), digits_test()


def one_seed_without_validation(folder):
    return make_results(folder, study=make_study(seeds=(4,), epochs=2, val_fraction=0.0)), digits_test()


def one_arm(folder):
    return make_results(folder, arms=["bn"], study=make_study(epochs=1)), digits_test()


def many_seeds(folder):
    return make_results(folder, arms=["bn", "ln"], study=make_study(seeds=range(7), epochs=4)), digits_test()


def many_classes(folder):
    test, names = noise_test(800, 40), [f"a class with a long name, {i}" for i in range(40)]
    return make_results(folder, arms=["in", "none"], test=test, class_names=names, study=make_study(epochs=2)), test


def some_failed(folder):
    study = make_study(epochs=2)
    records = make_records(["bn", "ln", "none"], study, digits_test(), 10)
    records[0], records[2::3] = failed(records[0], "no gradient"), [failed(r, "no gradient") for r in records[2::3]]
    return make_results(folder, study=study, records=records), digits_test()


STUDIES = (usual, eight_arms, one_seed_without_validation, one_arm, many_seeds, many_classes, some_failed)


@pytest.fixture(scope="module", params=STUDIES, ids=lambda make: make.__name__)
def shown(request, tmp_path_factory):
    """The sections of a made-up study."""
    results, test = request.param(tmp_path_factory.mktemp("made"))
    return [section_of(analysis, results, test) for analysis in FOUR]


def test_the_tables_hold_what_they_held_in_the_first_version(tmp_path):
    """section_cells.json holds the cells that version 0.1 wrote for the same records, minus signs apart.

    Intervals of classes are later ones: they share what is known of the noise between seeds.
    """
    held = json.loads((Path(__file__).parent / "section_cells.json").read_text(encoding="utf-8"))
    results, test = usual(tmp_path)
    sections = {analysis.name: section_of(analysis, results, test) for analysis in FOUR}
    tables = {
        name: {table.caption.partition(": ")[0]: cells_of(table) for table in tables_of(section)}
        for name, section in sections.items()
    }
    assert cells_of(tables_of(sections["curves"])[1]) == held["curves"]
    for arm, rows in held["mistakes"].items():
        name = arm_title(arm)
        assert tables["mistakes"][name][: len(rows)] == rows  # of more images than there were
        assert tables["confusion"][name] == held["confusions"][arm]
    shared = [[_missed_by(said), *rest] for said, *rest in held["shared"]]
    assert cells_of(sections["mistakes"].tables[0]) == shared
    for pair, rows in held["differences"].items():
        assert tables["confusion"].get(difference_title(*pair.split(" − "))) == rows
    assert cells_of(tables_of(sections["classes"])[-1]) == held["classes"]


def _missed_by(said):
    """Name the arm of a row as tables do now: "bn only" is "only BatchNorm"."""
    arm, only, _ = said.partition(" only")
    return f"only {arm_title(arm)}" if only else said


def test_captions_have_at_most_forty_words(shown):
    for section in shown:
        for captioned in (*section.pictures, *tables_of(section)):
            assert 0 < len(captioned.caption.split()) <= MAX_WORDS, captioned.caption


def test_captions_about_doubtful_labels_have_at_most_forty_words_too(tmp_path):
    test = noise_test(2000, 10)
    results = make_results(tmp_path, arms=["none", "in"], test=test, study=make_study(seeds=(0,), epochs=1))
    labels = test.labels.tolist()
    missed = study_mistakes(results, labels).missed_by_all.images
    doubts = [LabelDoubt(index=i, labelled_class="a b", labelled_softmax=0.1, network_class="c", network_softmax=0.5)
              for i in missed[::-1]]  # fmt: skip
    found = study_mistakes(results, labels, LabelDoubts(doubts=tuple(doubts)))
    pixels = {i: test.images[i].numpy() for i in range(2000)}
    section = FOUR[1].section(replace(found, pixels=pixels), results)
    captions = {picture.name: picture.caption for picture in section.pictures}
    assert "doubted label" in captions["missed_by_all"]
    assert f"doubts {len(missed)} labels of 2,000" in captions["label_issues"]
    assert all(len(caption.split()) <= MAX_WORDS for caption in captions.values())


def test_every_section_has_a_short_label_and_a_title_of_its_own(shown):
    assert [section.label for section in shown] == ["Curves", "Mistakes", "Confusion", "Classes"]
    assert len({section.title for section in shown}) == 4
    assert not {section.title for section in shown} & {section.label for section in shown}


def test_titles_state_what_was_found(tmp_path):
    results, test = usual(tmp_path)
    curves, mistakes, confusion, classes = (section_of(analysis, results, test).title for analysis in FOUR)
    ends = {arm.norm: arm.val_accuracy.mean for arm in results.arms}
    assert curves == (
        f"Validation accuracy ends between {100 * ends['ln']:.2f} % (LayerNorm) and "
        f"{100 * ends['bn']:.2f} % (BatchNorm) after 15 epochs"
    )
    assert mistakes == "No test image is missed by all three arms"
    assert confusion == ("BatchNorm and LayerNorm differ beyond chance in 1 of 100 cells; no other two arms do")
    assert classes.startswith("Accuracy runs from ")


def test_minus_signs_are_no_hyphens(shown):
    texts = [text for section in shown for text in _texts(section)]
    assert not [text for text in texts if any(sign in text for sign in (" -", "[-", "(-")) or text[:1] == "-"]


def _texts(section):
    yield from (section.title, *section.sentences)
    for table in tables_of(section):
        yield table.caption
        yield from (cell for row in cells_of(table) for cell in row)
    for picture in section.pictures:
        yield from (picture.caption, picture.alt)
        yield from (found.get_text() for found in picture.figure.findobj(Text))


def test_alternative_texts_are_of_the_numbers_in_the_tables(shown):
    curves, mistakes, confusion, classes = shown
    for section, name in ((mistakes, "_mistakes"), (confusion, "_confusion"), (classes, "class_accuracy")):
        cells = {cell for table in tables_of(section) for row in table.rows for cell in (c.text for c in row)}
        alts = [picture.alt for picture in section.pictures if picture.name.endswith(name)]
        assert all(any(cell in alt for cell in cells if "%" in cell) for alt in alts)
    ends, _ = tables_of(curves)
    assert ends.headings[2].endswith("loss")
    losses = next(picture.alt for picture in curves.pictures if picture.name == "validation_loss")
    assert all(row[2].text in losses for row in ends.rows)


def test_text_in_figures_can_be_read_on_a_phone(shown):
    for picture in (picture for section in shown for picture in section.pictures):
        width = 96 * picture.figure.get_size_inches()[0]
        scale = min(1.0, PHONE / width)
        sizes = {
            t.get_text(): t.get_fontsize() for t in picture.figure.findobj(Text) if t.get_text() and t.get_visible()
        }
        small = {said: size for said, size in sizes.items() if size / 72 * 96 * scale < MIN_TEXT}
        assert not small, (picture.name, small)


def test_axes_are_named(shown):
    for picture in (picture for section in shown for picture in section.pictures if picture.embed == "svg"):
        axes = [one for one in picture.figure.axes if one.get_label() != "<colorbar>"]
        assert all(one.get_ylabel() for one in axes), picture.name
        assert axes[-1].get_xlabel(), picture.name


@pytest.mark.parametrize("analysis", FOUR, ids=lambda analysis: analysis.name)
def test_a_section_is_drawn_from_what_was_found_and_asks_no_record(tmp_path, analysis):
    results, test = usual(tmp_path)
    found = found_by(analysis, results, test)
    empty = [replace(r, test_predictions=[], test_confidences=[], epochs=[]) for r in results.records]
    first, second = analysis.section(found, results), analysis.section(found, replace(results, records=tuple(empty)))
    assert [cells_of(table) for table in tables_of(first)] == [cells_of(table) for table in tables_of(second)]
    assert [picture.alt for picture in first.pictures] == [picture.alt for picture in second.pictures]
    assert (first.title, first.sentences) == (second.title, second.sentences)


@pytest.mark.parametrize("make", STUDIES)
def test_what_was_found_is_json(tmp_path, make):
    results, test = make(tmp_path)
    for analysis in FOUR:
        text = json.dumps(encode(found_by(analysis, results, test)), allow_nan=False)
        assert "sprite" not in text
        assert "pixels" not in text


@pytest.mark.parametrize("analysis", FOUR, ids=lambda analysis: analysis.name)
def test_without_a_finished_run_the_reason_is_given(tmp_path, analysis):
    study = make_study(seeds=(0,), epochs=1)
    records = [failed(r, "no gradient") for r in make_records(["bn", "ln"], study, digits_test(), 10)]
    results = make_results(tmp_path, study=study, records=records)
    with pytest.raises(StudyError, match="no run of BatchNorm and LayerNorm"):
        found_by(analysis, results)


def test_images_that_are_gone_leave_the_confusion_matrices(tmp_path):
    results, test = usual(tmp_path)

    class Gone:
        test_split = type("Split", (), {"labels": tuple(test.labels.tolist())})

        @property
        def splits(self):
            raise StudyError("the images are gone")

    confusion = FOUR[2]
    section = confusion.section(confusion.measure(Gone(), results, confusion.of_report()), results)
    assert section.sprite is None
    assert "The images behind the cells are not shown: the images are gone" in section.sentences
    assert len(section.pictures) == 6
    with pytest.raises(StudyError, match="gone"):
        measure(Gone(), results, FOUR[1].options(labels=False))


@pytest.mark.parametrize("name", ["curves", "mistakes", "confusion", "classes"])
def test_an_analysis_can_be_named_without_what_is_slow(name):
    source = (Path(whichnorm.analyses.__path__[0]) / name / "__init__.py").read_text()
    imported = {node.module for node in ast.parse(source).body if isinstance(node, ast.ImportFrom)}
    light = {"dataclasses", "typing", "whichnorm.analyses.analysis", "whichnorm.specs.options"}
    light |= {"whichnorm.specs.checked", "whichnorm.specs.value_types"}
    light.add(f"whichnorm.analyses.{name}.options")
    assert imported <= light

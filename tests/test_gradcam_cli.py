"""`whichnorm gradcam` on a study trained in seconds, its picture, and its one-line errors."""

import io
import itertools
import json
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import unreported
from PIL import Image
from rich.console import Console
from synthetic import make_results, noise_test

from whichnorm.analyses.gradcam import GradCam, GradCamOptions
from whichnorm.analyses.gradcam.found import Agreement, ArmMaps, GradCamFound, StudyMaps, rounded
from whichnorm.analyses.gradcam.measure import measure
from whichnorm.analyses.gradcam.pictures import agreements_text, gradcam_picture
from whichnorm.analyses.gradcam.section import title
from whichnorm.analyses.gradcam.tables import agreements_table, images_table
from whichnorm.api import compare, read_results
from whichnorm.cli import main
from whichnorm.errors import ModelError, StudyError
from whichnorm.render.style import saved
from whichnorm.render.terminal import print_table
from whichnorm.specs.codec import encode
from whichnorm.specs.names import enclosed
from whichnorm.stats import RankAgreement, rank_agreement
from whichnorm.study.study import reopen

ARMS = ("bn", "bn+l1:1e-06", "gn:8")


def train(root, norms, seeds, model):
    """Train a study on some digits, without a report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whichnorm.api.report_on", unreported.no_report)
        compare(
            "digits", norms=norms, model=model, seeds=seeds, epochs=1, val=0, train_limit=200, threads=1,
            precision="float32", out=root,
        )  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three arms at two seeds on some digits; at seed 1 the second has the weights of the first."""
    root = tmp_path_factory.mktemp("gradcam") / "study"
    train(root, norms=ARMS, seeds=2, model=None)
    shutil.copy(root / "runs" / "bn-seed1.safetensors", root / "runs" / "bn_l1-1e-06-seed1.safetensors")
    return root


@pytest.fixture
def own_copy(study, tmp_path):
    """The study without the maps that other tests kept."""
    return shutil.copytree(study, tmp_path / "study", ignore=shutil.ignore_patterns("examined"))


@pytest.fixture(scope="module")
def opened(study):
    study = reopen(study)
    return study, read_results(study)


def as_json(capsys, *arguments):
    """Return what the command prints with --json."""
    capsys.readouterr()
    assert main(["gradcam", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def maps_as_json(capsys, *arguments):
    return as_json(capsys, *arguments)["found"]["maps"]


def test_the_command_prints_images_and_agreements_and_draws(study, capsys):
    capsys.readouterr()
    assert main(["gradcam", str(study)]) == 0
    shown = capsys.readouterr().out
    assert "agree" in shown.splitlines()[0]  # the finding comes first
    assert "Spearman's rank correlation" in shown
    assert "Grad-CAM at block4, 4x4 positions, seed 0, for the true class" in shown
    assert all(f"BatchNorm and {name}" in shown for name in ("BatchNorm", "GroupNorm, "))
    assert shown.rstrip().endswith(str(study / "pictures" / "gradcam.png"))
    assert (study / "pictures" / "gradcam.svg").is_file()
    with Image.open(study / "pictures" / "gradcam.png") as picture:
        assert picture.height > picture.width > 500


def test_the_numbers_are_those_of_the_maps_and_of_the_networks(study, opened, capsys):
    study, results = opened
    shown = as_json(capsys, study.folder.root, "--images", "5,17", "--layer", "block2")["found"]
    assert shown["options"] == {"layer": "block2", "images": [5, 17], "seed": None, "target": "true"}
    maps = shown["maps"]
    assert (maps["layer"], maps["seed"], maps["images"]) == ("block2", 0, [5, 17])
    assert maps["labels"] == [int(study.splits.test.labels[k]) for k in (5, 17)]
    assert [arm["arm"] for arm in maps["arms"]] == list(ARMS)
    for arm in maps["arms"]:
        record = results.finished(arm["arm"])[0]
        assert arm["predictions"] == [record.test_predictions[k] for k in (5, 17)]
        np.testing.assert_allclose(arm["confidences"], [record.test_confidences[k] for k in (5, 17)], atol=0.02)
        assert np.shape(arm["maps"]) == (2, 8, 8)
        assert np.min(arm["maps"]) >= 0
        assert 0 <= arm["num_empty"] < maps["num_sampled"]
    pairs = [[one["a"], one["b"]] for one in maps["agreements"]]
    assert pairs == [["bn", "bn+l1:1e-06"], ["bn", "gn:8"], ["bn+l1:1e-06", "gn:8"]]
    ranks = [one["ranks"] for one in maps["agreements"]]
    assert all(one["n"] + one["left_out"] == maps["num_sampled"] == 200 for one in ranks)


def test_equal_networks_agree_at_one(study, capsys):
    shown = maps_as_json(capsys, study, "--seed", "1", "--images", "0,1")
    same, *others = (one["ranks"] for one in shown["agreements"])
    assert same["mean"] == pytest.approx(1)
    assert same["std"] == pytest.approx(0, abs=1e-9)
    assert same["n"] > 100
    assert shown["arms"][0]["maps"] == shown["arms"][1]["maps"]
    assert all(abs(one["mean"]) < 0.99 for one in others)


def test_maps_of_the_predicted_class_differ_only_if_it_is_another(opened):
    study, results = opened
    images = tuple(range(20))
    true, predicted = (
        measure(study, results, GradCamOptions(images=images, target=target)).maps for target in ("true", "predicted")
    )
    differing = 0
    for a, b in zip(true.arms, predicted.arms, strict=True):
        for k in images:
            if a.predictions[k] == true.labels[k]:
                np.testing.assert_allclose(a.array[k], b.array[k], rtol=1e-5, atol=1e-7)
            else:
                differing += not np.allclose(a.array[k], b.array[k])
    assert differing > 0


def refuse(*_):
    raise AssertionError("a network was asked")


def test_maps_that_are_kept_give_the_same_section_without_a_network(own_copy, monkeypatch):
    study = reopen(own_copy)
    results = read_results(study)
    first = measure(study, results, GradCamOptions())
    with monkeypatch.context() as patch:
        patch.setattr(type(study), "network", refuse)
        second = measure(study, results, GradCamOptions())
    assert first.maps == second.maps
    one, two = (GradCam().section(found, results) for found in (first, second))
    assert saved(one.pictures[0].figure) == saved(two.pictures[0].figure)
    assert (one.title, one.sentences, one.tables) == (two.title, two.sentences, two.tables)
    for part in ("name", "embed", "alt", "caption", "method"):
        assert getattr(one.pictures[0], part) == getattr(two.pictures[0], part)


def test_other_options_arms_or_weights_are_asked_of_the_networks(own_copy, monkeypatch):
    study = reopen(own_copy)
    results = read_results(study)
    options = GradCamOptions(images=(0, 3), seed=0)
    first = measure(study, results, options)
    shutil.copy(own_copy / "runs" / "bn-seed1.safetensors", own_copy / "runs" / "bn-seed0.safetensors")
    assert measure(study, results, options).maps != first.maps
    assert len(list((own_copy / "examined").glob("gradcam.*.json"))) == 1, "maps of replaced weights are replaced"
    monkeypatch.setattr(type(study), "network", refuse)
    measure(study, results, options)
    for changed in (replace(options, layer="block2"), replace(options, target="predicted"), replace(options, seed=1)):
        with pytest.raises(AssertionError, match="a network was asked"):
            measure(study, results, changed)
    with pytest.raises(AssertionError, match="a network was asked"):
        measure(study, results.only(["bn", "gn:8"]), options)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-30],
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: text.replace('"schema": 1', '"schema": 0'),
        lambda text: text.replace('"layer"', '"Layer"'),
        lambda text: text.replace('"seed": 0', '"seed": "0"'),
    ],
)
def test_kept_maps_that_are_damaged_are_made_again(own_copy, damage):
    study = reopen(own_copy)
    results, options = read_results(study), GradCamOptions(images=(0,), seed=0)
    first = measure(study, results, options)
    (path,) = (own_copy / "examined").glob("gradcam.*.json")
    whole = path.read_text()
    path.write_text(damage(whole))
    assert path.read_text() != whole
    assert measure(study, results, options).maps == first.maps
    assert path.read_text() == whole


def test_a_study_that_cannot_be_written_has_maps_all_the_same(own_copy, capsys, tmp_path):
    (own_copy / "examined").touch()  # where a folder would be made
    assert maps_as_json(capsys, own_copy, "--images", "0", "--out", tmp_path / "x.png")["images"] == [0]


def test_what_is_kept_is_small_and_without_pixels(opened):
    study, results = opened
    found = measure(study, results, GradCamOptions())
    assert set(encode(found)) == {"options", "maps", "damage"}
    assert len(json.dumps(encode(found.maps))) < 20_000


def test_the_picture_has_at_most_40_words_below_it_and_its_method_the_agreements(opened):
    study, results = opened
    found = measure(study, results, GradCamOptions())
    picture = gradcam_picture(found, results)
    assert len(picture.caption.split()) <= 40
    assert "block4, seed 0" in picture.caption
    for one in found.maps.agreements:
        words = f"{enclosed([one.a, one.b])} {one.ranks.mean:.2f} ± {one.ranks.std:.2f} (n = {one.ranks.n}"
        assert words in picture.method
    assert "true class in every arm" in picture.method
    assert "block4, 4x4 positions" in picture.method
    for row in images_table(found, results.class_names).rows:
        assert all(cell.text in picture.alt for cell in row)


def test_some_arms_and_an_svg(study, tmp_path, capsys):
    out = tmp_path / "new" / "cam.SVG"
    shown = as_json(capsys, study, "--norms", " gn:8, bn", "--out", out, "--target", "predicted")
    assert [arm["arm"] for arm in shown["found"]["maps"]["arms"]] == ["bn", "gn:8"]
    assert shown["pictures"] == [str(out)]
    assert ET.fromstring(out.read_bytes()).tag.endswith("svg")


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_arm_without_a_finished_run_is_left_out_and_named(own_copy, capsys):
    rewrite(own_copy / "runs" / "bn-seed0.json", status="diverged", reason="the loss was not finite in epoch 1")
    shown = as_json(capsys, own_copy, "--seed", "0", "--images", "0")
    assert [arm["arm"] for arm in shown["found"]["maps"]["arms"]] == list(ARMS[1:])
    assert shown["found"]["maps"]["left_out"] == ["bn"]
    assert shown["sentences"] == ["Without a finished run at seed 0: BatchNorm."]
    assert maps_as_json(capsys, own_copy, "--images", "0")["seed"] == 1  # the seed that more arms finished
    assert main(["gradcam", str(own_copy), "--seed", "0", "--norms", "bn"]) == 2
    assert "no finished run of bn at seed 0; there are some at seed 1" in capsys.readouterr().err


def test_one_arm_has_maps_and_nothing_to_agree_with(study, capsys):
    assert maps_as_json(capsys, study, "--norms", "gn:8", "--images", "3")["agreements"] == []
    assert main(["gradcam", str(study), "--norms", "gn:8", "--images", "3"]) == 0
    assert "correlation" not in capsys.readouterr().out


def test_a_study_without_weights_has_a_reason_in_place_of_maps(own_copy, capsys):
    (own_copy / "runs" / "gn-8-seed0.safetensors").unlink()
    study = reopen(own_copy)
    with pytest.raises(StudyError, match=r"gn-8-seed0\.safetensors"):
        measure(study, read_results(study), GradCamOptions())
    assert main(["gradcam", str(own_copy)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_network_without_a_convolution_has_a_reason_in_place_of_maps(tmp_path, monkeypatch, capsys):
    (tmp_path / "flat_gradcam.py").write_text(
        "from torch import nn\n"
        "def make(norm, num_classes, in_channels):\n"
        "    return nn.Sequential(norm(in_channels), nn.Flatten(), nn.Linear(64 * in_channels, num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    train(tmp_path / "study", norms=["bn", "in"], seeds=1, model="flat_gradcam:make")
    study = reopen("study")
    with pytest.raises(ModelError, match="no convolution layer"):
        measure(study, read_results(study), GradCamOptions())
    capsys.readouterr()
    assert main(["gradcam", "study"]) == 2
    assert "no convolution layer" in capsys.readouterr().err
    assert main(["gradcam", "study", "--layer", "0", "--images", "0"]) == 0  # a map that is asked for by name is drawn


WRONG = [
    (["--layer", "blok4"], ["'blok4' is not in the network", "did you mean 'block4'"]),
    (["--layer", "head"], ["(2, 10) for 2 images, expected (N, C, H, W)"]),
    (["--layer", "head.0"], ["one position"]),
    (["--images", "3,x"], ["'3,x'", "whole numbers with commas"]),
    (["--images", ""], ["''", "whole numbers with commas"]),
    (["--images", "3,3"], ["3 is named twice"]),
    (["--images", "100000"], ["no test image 100000", "numbered from 0"]),
    (["--images=-1"], ["no test image -1"]),
    (["--images", ",".join(map(str, range(25)))], ["25 images named, expected 1 to 24"]),
    (["--norms", "in"], ["in is no arm", "it has bn, bn+l1:1e-06, gn:8"]),
    (["--norms", "bm"], ["unknown norm 'bm'"]),
    (["--norms", ","], ["nothing is no arm"]),
    (["--seed", "7"], ["at seed 7", "seed 0, 1"]),
    (["--seed", "x"], ["--seed"]),
    (["--target", "false"], ["--target"]),
    (["--out", "x.pdf"], [".png or .svg"]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda value: " ".join(value[:4])[:30])
def test_wrong_input_is_one_line_and_code_2_with_nothing_drawn(study, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    out = [] if "--out" in arguments else ["--out", "x.png"]
    assert main(["gradcam", str(study), *arguments, *out]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("whichnorm: ")
    assert shown.err.count("\n") == 1
    assert all(word in shown.err for word in words), shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_study_is_one_line(tmp_path, capsys):
    assert main(["gradcam", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_picture_that_cannot_be_written_is_one_line(study, tmp_path, capsys):
    (tmp_path / "file").touch()
    capsys.readouterr()
    assert main(["gradcam", str(study), "--out", str(tmp_path / "file" / "x.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_help_has_an_example_and_fits_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["gradcam", "--help"])
    text = capsys.readouterr().out
    assert "whichnorm gradcam runs/demo" in text
    assert max(map(len, text.splitlines())) <= 80


HOSTILE = (
    "<script>alert(1)</script>",
    "$\\frac$ & y",
    "a name that goes on and on and on",
    "[red]b[/red]",
    "nine\udcff",
)


def made_up(arms, num_images, test):
    """Maps of noise; the first arm's first map is empty."""
    rng = np.random.default_rng(0)
    maps = {arm: np.maximum(rng.normal(size=(num_images, 3, 4)), 0) for arm in arms}
    maps[arms[0]][0] = 0
    pairs = [(a, b) for i, a in enumerate(arms) for b in arms[i + 1 :]]
    found = StudyMaps(
        layer="layer", seed=0, images=tuple(range(num_images)),
        labels=tuple(test.labels[:num_images].tolist()), left_out=("in",), num_sampled=num_images,
        arms=tuple(
            ArmMaps(arm=arm, predictions=(0,) * num_images, confidences=(1.0,) * num_images, maps=rounded(one),
                    num_empty=0)
            for arm, one in maps.items()
        ),
        agreements=tuple(Agreement(a=a, b=b, ranks=rank_agreement(maps[a], maps[b])) for a, b in pairs),
    )  # fmt: skip
    options = GradCamOptions(images=tuple(range(num_images)))
    return GradCamFound(options=options, maps=found, pixels=tuple(test.images[:num_images].numpy()))


@pytest.mark.parametrize(("num_arms", "num_images", "channels"), [(1, 1, 1), (1, 5, 5), (3, 7, 3), (8, 2, 1)])
def test_any_number_of_arms_images_and_channels_can_be_drawn(tmp_path, num_arms, num_images, channels):
    arms = ["bn", "ln", "gn:8", "ln-channel:noaffine", "bn+l1:0.001+l2:0.0001", "gn:4", "gn:2", "none"][:num_arms]
    test = noise_test(40, len(HOSTILE), channels)
    results = make_results(tmp_path, arms, test=test, class_names=HOSTILE)
    section = GradCam().section(made_up(arms, num_images, test), results)
    (picture,) = section.pictures
    texts = [t.get_text() for axes in picture.figure.axes for t in axes.texts]
    assert texts.count("map is empty") == 1
    assert picture.alt.count("map is empty") == 1
    assert "left out for an empty or constant map" in picture.method or num_arms == 1
    assert len(picture.caption.split()) <= 40
    assert section.sentences == ("Without a finished run at seed 0: InstanceNorm.",)
    assert "\udcff" not in picture.alt + picture.caption + picture.method
    files = saved(picture.figure)
    ET.fromstring(files["svg"])
    with Image.open(io.BytesIO(files["png"])) as image:
        assert image.width > 700
    overlays = [axes for axes in picture.figure.axes if len(axes.images) == 2]
    assert len(overlays) == num_arms * num_images - 1 + 1  # without the empty map, with the scale


def boxes_of_texts(figure):
    """Return where every text of a figure is, in pixels, the scale's aside."""
    renderer = figure.canvas.get_renderer()
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return {text.get_text() + f" #{k}": text.get_window_extent(renderer) for k, text in enumerate(texts)}


@pytest.mark.parametrize("num_arms", [1, 2, 4, 7])
def test_texts_do_not_run_into_each_other_or_over_the_edge(tmp_path, num_arms):
    names = ("automobile and more", "airplane")
    arms = ["bn", "ln", "gn:8", "ln-channel:noaffine", "bn+l1:0.001+l2:0.0001", "gn:4", "gn:2"][:num_arms]
    test = noise_test(40, 2)
    results = make_results(tmp_path, arms, test=test, class_names=names)
    figure = gradcam_picture(made_up(arms, 6, test), results).figure
    boxes = boxes_of_texts(figure)
    assert len(boxes) == 1 + (1 + num_arms) + 6 * (1 + num_arms) + 1  # title, headings, notes, an empty map
    overlapping = [(a, b) for a, b in itertools.combinations(boxes, 2) if boxes[a].overlaps(boxes[b])]
    assert overlapping == []
    width, height = figure.bbox.width, figure.bbox.height
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes.values())


def test_a_phone_shows_four_arms_without_scrolling(tmp_path):
    arms = ["bn", "ln", "gn:8", "gn:4"]
    test = noise_test(40, 2)
    results = make_results(tmp_path, arms, test=test, class_names=("a", "b"))
    for num_arms in (1, 2, 3, 4):
        figure = gradcam_picture(made_up(arms[:num_arms], 6, test), results).figure
        assert figure.get_size_inches()[0] <= 5.45


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("num_arms", [1, 3, 8])
def test_tables_fit_the_terminal_and_show_names_as_they_are(width, num_arms):
    arms = ["bn", "ln", "gn:8", "ln-channel", "bn+l1:0.001", "gn:4", "gn:2", "none"][:num_arms]
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    names = ("automobile", "[red]b[/red]", "airplane", "frog", "a name that goes on")
    found = made_up(arms, 4, noise_test(40, len(names)))
    for table in filter(None, [images_table(found, names), agreements_table(found.maps)]):
        print_table(table, console)
    shown = console.file.getvalue()
    lines = [line for line in shown.splitlines() if "─" in line or "automobile" in line]
    assert max(map(len, lines)) <= width
    assert "[red]b[/red]" in shown
    assert "map is empty" in " ".join(shown.split())
    assert "automobile, 100 %" in shown


def agreeing(*pairs):
    """Maps of which nothing is known but how much they agree: same image, different images."""
    agreements = tuple(
        Agreement(a="bn", b=f"gn:{k + 1}", ranks=RankAgreement(mean=same, std=0.1, n=9, left_out=0, mismatched=other))
        for k, (same, other) in enumerate(pairs)
    )
    maps = made_up(["bn", "ln"], 1, noise_test(40, 2)).maps
    return replace(maps, agreements=agreements)


def test_the_title_says_how_much_maps_agree():
    assert title(agreeing((0.504, 0.42))) == (
        "Where the arms look: maps of BatchNorm and GroupNorm, 1 group, agree with 0.50 on the same image, "
        "with 0.42 on different ones"
    )
    assert title(agreeing((0.5, -0.1), (0.3, 0.1), (0.4, -0.101))) == (
        "Where the arms look: two arms' maps agree with 0.30 to 0.50 on the same image, with −0.10 to 0.10 on "
        "different ones"
    )
    assert title(agreeing((None, None))) == "Where the arms look"
    assert title(made_up(["bn"], 1, noise_test(40, 2)).maps) == "Where BatchNorm looks"


def test_numbers_have_one_minus_sign_and_no_negative_zero():
    maps = agreeing((-0.25, -0.001))
    assert [cell.text for cell in agreements_table(maps).rows[0]][1::4] == ["−0.25", "0.00"]
    assert "-0" not in agreements_text(maps) + title(maps)
    assert "−0.25" in agreements_text(maps)

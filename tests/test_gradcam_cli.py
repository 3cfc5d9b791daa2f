"""`whichnorm gradcam` on a study trained in seconds, its picture, and its one-line errors."""

import io
import itertools
import json
import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from synthetic import make_results, noise_test

from whichnorm.analyses.gradcam.measure import Agreement, ArmMaps, StudyMaps, maps_or_reason, study_maps
from whichnorm.analyses.gradcam.pictures import gradcam_picture
from whichnorm.analyses.gradcam.tables import agreements_table, images_table
from whichnorm.api import prepare, read_results
from whichnorm.cli import main
from whichnorm.render.style import saved
from whichnorm.render.terminal import print_table
from whichnorm.stats import rank_agreement
from whichnorm.study.progress import Progress
from whichnorm.study.run import run_study
from whichnorm.study.study import reopen

ARMS = ("bn", "bn+l1:1e-06", "gn:8")


def train(root, norms, seeds, model):
    """Train a study on some digits, without a report."""
    study = prepare(
        "digits", norms=norms, model=model, seeds=seeds, epochs=1, val=0, train_limit=200, threads=1,
        precision="float32", out=root,
    )  # fmt: skip
    study.folder.claim(study.spec, study.splits.digest)
    run_study(study.spec, study.splits, study.folder, Progress())


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three arms at two seeds on some digits; at seed 1 the second has the weights of the first."""
    root = tmp_path_factory.mktemp("gradcam") / "study"
    train(root, norms=ARMS, seeds=2, model=None)
    shutil.copy(root / "runs" / "bn-seed1.safetensors", root / "runs" / "bn_l1-1e-06-seed1.safetensors")
    return root


@pytest.fixture
def own_copy(study, tmp_path):
    return shutil.copytree(study, tmp_path / "study")


@pytest.fixture(scope="module")
def opened(study):
    study = reopen(study)
    return study, read_results(study)


def as_json(capsys, *arguments):
    capsys.readouterr()
    assert main(["gradcam", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_prints_images_and_agreements_and_draws(study, capsys):
    capsys.readouterr()
    assert main(["gradcam", str(study)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Grad-CAM at block4, 4x4 positions, seed 0, for the true class")
    assert "bn, gn:8" in shown
    assert shown.rstrip().endswith(str(study / "pictures" / "gradcam.png"))
    assert (study / "pictures" / "gradcam.svg").is_file()
    with Image.open(study / "pictures" / "gradcam.png") as picture:
        assert picture.width > picture.height > 500


def test_the_numbers_are_those_of_the_maps_and_of_the_networks(study, opened, capsys):
    study, results = opened
    shown = as_json(capsys, study, "--images", "5,17", "--layer", "block2")
    assert (shown["layer"], shown["map_shape"], shown["seed"], shown["target"]) == ("block2", [8, 8], 0, "true")
    assert [one["image"] for one in shown["images"]] == [5, 17]
    assert [one["class"] for one in shown["images"]] == [str(int(study.splits.test.labels[k])) for k in (5, 17)]
    assert [arm["norm"] for arm in shown["arms"]] == list(ARMS)
    for arm in shown["arms"]:
        record = results.finished(arm["norm"])[0]
        assert arm["predictions"] == [str(record.test_predictions[k]) for k in (5, 17)]
        np.testing.assert_allclose(arm["confidences"], [record.test_confidences[k] for k in (5, 17)], atol=0.02)
        assert np.shape(arm["maps"]) == (2, 8, 8)
        assert np.min(arm["maps"]) >= 0
        assert arm["empty"] == [not np.any(one) for one in arm["maps"]]
    pairs = [[one["a"], one["b"]] for one in shown["agreements"]]
    assert pairs == [["bn", "bn+l1:1e-06"], ["bn", "gn:8"], ["bn+l1:1e-06", "gn:8"]]
    assert all(one["n"] + one["left_out"] == shown["num_sampled"] == 200 for one in shown["agreements"])


def test_equal_networks_agree_at_one(study, capsys):
    shown = as_json(capsys, study, "--seed", "1", "--images", "0,1")
    same, *others = shown["agreements"]
    assert same["mean"] == pytest.approx(1)
    assert same["std"] == pytest.approx(0, abs=1e-9)
    assert same["n"] > 100
    assert shown["arms"][0]["maps"] == shown["arms"][1]["maps"]
    assert all(abs(one["mean"]) < 0.99 for one in others)


def test_maps_of_the_predicted_class_differ_only_where_it_is_another(opened):
    study, results = opened
    images = list(range(20))
    true, predicted = (study_maps(study, results, images=images, target=t) for t in ("true", "predicted"))
    differing = 0
    for a, b in zip(true.arms, predicted.arms, strict=True):
        for k in images:
            if a.predictions[k] == true.labels[k]:
                np.testing.assert_allclose(a.maps[k], b.maps[k], rtol=1e-5, atol=1e-7)
            else:
                differing += not np.allclose(a.maps[k], b.maps[k])
    assert differing > 0


def test_the_same_study_gives_the_same_maps_and_the_same_picture(opened):
    study, results = opened
    first, second = (gradcam_picture(results, study.splits.test, study_maps(study, results)) for _ in range(2))
    assert saved(first.figure) == saved(second.figure)
    assert (first.name, first.embed, first.caption, first.alt) == ("gradcam", "png", second.caption, second.alt)


def test_alt_text_and_caption_hold_the_agreements(opened):
    study, results = opened
    maps = study_maps(study, results)
    picture = gradcam_picture(results, study.splits.test, maps)
    for one in maps.agreements:
        words = f"{one.a} and {one.b} {one.ranks.mean:.2f} ± {one.ranks.std:.2f} (n = {one.ranks.n}"
        assert words in picture.alt
        assert words in picture.caption
    assert "true class in every arm" in picture.caption
    assert "block4 (4x4 positions" in picture.caption


def test_some_arms_and_an_svg(study, tmp_path, capsys):
    out = tmp_path / "new" / "cam.SVG"
    shown = as_json(capsys, study, "--norms", " gn:8, bn", "--out", out, "--target", "predicted")
    assert [arm["norm"] for arm in shown["arms"]] == ["bn", "gn:8"]
    assert shown["pictures"] == [str(out)]
    assert ET.fromstring(out.read_bytes()).tag.endswith("svg")


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_arm_without_a_finished_run_is_left_out_and_named(own_copy, capsys):
    rewrite(own_copy / "runs" / "bn-seed0.json", status="diverged", reason="the loss was not finite in epoch 1")
    shown = as_json(capsys, own_copy, "--seed", "0", "--images", "0")
    assert [arm["norm"] for arm in shown["arms"]] == list(ARMS[1:])
    assert shown["left_out"] == ["bn"]
    assert shown["notes"] == ["without a finished run at seed 0: bn"]
    assert as_json(capsys, own_copy, "--images", "0")["seed"] == 1  # the seed that more arms finished
    assert main(["gradcam", str(own_copy), "--seed", "0", "--norms", "bn"]) == 2
    assert "no finished run of bn at seed 0; there are some at seed 1" in capsys.readouterr().err


def test_one_arm_has_maps_and_nothing_to_agree_with(study, capsys):
    shown = as_json(capsys, study, "--norms", "gn:8", "--images", "3")
    assert shown["agreements"] == []
    assert main(["gradcam", str(study), "--norms", "gn:8", "--images", "3"]) == 0
    assert "correlation" not in capsys.readouterr().out


def test_a_study_without_weights_has_a_reason_in_place_of_maps(own_copy, capsys):
    (own_copy / "runs" / "gn-8-seed0.safetensors").unlink()
    study = reopen(own_copy)
    maps, reason = maps_or_reason(study, read_results(study))
    assert maps is None
    assert "gn-8-seed0.safetensors" in reason
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
    maps, reason = maps_or_reason(study, read_results(study))
    assert maps is None
    assert "no convolution layer" in reason
    capsys.readouterr()
    assert main(["gradcam", "study"]) == 2
    assert "no convolution layer" in capsys.readouterr().err
    assert main(["gradcam", "study", "--layer", "0", "--images", "0"]) == 0  # a map that is asked for by name is drawn


WRONG = [
    (["--layer", "blok4"], ["'blok4' is not in the network", "did you mean 'block4'"]),
    (["--layer", "head"], ["(2, 10) for 2 images, expected (N, C, H, W)"]),
    (["--layer", "head.0"], ["one position"]),
    (["--images", "3,x"], ["'3,x'", "such as 3,17"]),
    (["--images", ""], ["''", "such as 3,17"]),
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
    return StudyMaps(
        layer="layer", target="true", seed=0, images=tuple(range(num_images)), named=True,
        labels=tuple(test.labels[:num_images].tolist()), left_out=("in",), num_sampled=num_images,
        arms=tuple(
            ArmMaps(arm=arm, predictions=(0,) * num_images, confidences=(1.0,) * num_images, maps=one, num_empty=0)
            for arm, one in maps.items()
        ),
        agreements=tuple(Agreement(a=a, b=b, ranks=rank_agreement(maps[a], maps[b])) for a, b in pairs),
    )  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize(("num_arms", "num_images"), [(1, 1), (1, 5), (3, 7), (8, 2)])
def test_any_number_of_arms_images_and_channels_can_be_drawn(tmp_path, channels, num_arms, num_images):
    arms = ["bn", "ln", "gn:8", "ln-channel:noaffine", "bn+l1:0.001+l2:0.0001", "gn:4", "gn:2", "none"][:num_arms]
    test = noise_test(40, len(HOSTILE), channels)
    results = make_results(tmp_path, ("bn", "ln"), test=test, class_names=HOSTILE)
    picture = gradcam_picture(results, test, made_up(arms, num_images, test))
    texts = [t.get_text() for axes in picture.figure.axes for t in axes.texts]
    assert texts.count("map is empty") == 1
    assert "(map is empty)" in picture.alt
    assert "left out for an empty or constant map" in picture.alt or num_arms == 1
    assert "Without a finished run at this seed: in." in picture.caption
    assert "\udcff" not in picture.alt + picture.caption
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


def test_texts_do_not_run_into_each_other_or_over_the_edge(tmp_path):
    names = ("automobile and more", "airplane")
    test = noise_test(40, 2)
    results = make_results(tmp_path, ("bn", "ln"), test=test, class_names=names)
    figure = gradcam_picture(results, test, made_up(["bn", "ln", "gn:8", "ln-channel"], 6, test)).figure
    boxes = boxes_of_texts(figure)
    assert len(boxes) == 1 + 2 * 5 * 2 + 6 * 5 + 6 + 1  # title, headers of two banks, notes, places, one empty map
    overlapping = [(a, b) for a, b in itertools.combinations(boxes, 2) if boxes[a].overlaps(boxes[b])]
    assert overlapping == []
    width, height = figure.bbox.width, figure.bbox.height
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes.values())


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("num_arms", [1, 3, 8])
def test_tables_fit_the_terminal_and_show_names_as_they_are(width, num_arms):
    arms = ["bn", "ln", "gn:8", "ln-channel", "bn+l1:0.001", "gn:4", "gn:2", "none"][:num_arms]
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    names = ("automobile", "[red]b[/red]", "airplane", "frog", "a name that goes on")
    maps = made_up(arms, 4, noise_test(40, len(names)))
    for table in filter(None, [images_table(maps, names), agreements_table(maps)]):
        print_table(table, console)
    shown = console.file.getvalue()
    lines = [line for line in shown.splitlines() if "─" in line or "automobile" in line]
    assert max(map(len, lines)) <= width
    assert "[red]b[/red]" in shown
    assert "map is empty" in shown
    assert "automobile, 100 %" in shown

"""`whichnorm explain`: text, JSON, picture, files and one-line errors."""

import io
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image
from rich.console import Console

from whichnorm import explain
from whichnorm.cli import main
from whichnorm.explain.picture import draw
from whichnorm.explain.text import print_explanation
from whichnorm.render.style import saved


def shown(explanation, width):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_explanation(explanation, console)
    return console.file.getvalue()


def test_the_published_example_is_printed_in_full(capsys):
    assert main(["explain"]) == 0
    text = capsys.readouterr().out
    for words in ("bn  BatchNorm: 4 sets of 6 elements", "3 sets of 8", "12 sets of 2", "gn:2  GroupNorm, 2 groups",
                  "0.9574", "12.8056", "Common mistakes", "2.25 and should be 2.5", "companions"):  # fmt: skip
        assert words in text
    assert "…" not in text


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("shape", [(3, 4, 1, 2), (2, 3, 3, 3), (32, 64, 14, 14), (1, 1, 1, 2), (2, 30, 1, 1)], ids=str)
def test_lines_fit_and_no_number_is_cut(shape, width):
    x = np.random.default_rng(0).normal(-300, 20, size=shape)
    text = shown(explain(x), width)
    assert max(map(len, text.splitlines())) <= width
    (sets, *_) = explain(x).norms
    assert f"{sets.mean[0]:.4f}" in text
    assert f"{sets.normalized.ravel()[sets.members[0, 1]]:+.3f}" in text


def test_a_large_map_is_shown_in_part_with_a_count():
    text = shown(explain(np.random.default_rng(0).normal(size=(4, 24, 8, 8)), norms=["in"]), 80)
    assert "and 91 more sets" in text
    assert len(text.splitlines()) < 40


def test_extreme_numbers_are_written_in_powers_of_ten():
    text = shown(explain(np.array([[[[1e9, 3e9]]], [[[0.0, 1e-9]]]]), norms=["in"]), 80)
    assert "2.000e+09" in text
    assert "5.000e-10" in text


def test_json_holds_everything(capsys, tmp_path):
    x = np.random.default_rng(0).normal(size=(2, 6, 3, 3))
    np.save(tmp_path / "x.npy", x)
    assert (
        main(["explain", str(tmp_path / "x.npy"), "--json", "--norms", "bn,gn:3", "--out", str(tmp_path / "x.svg")])
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    np.testing.assert_array_equal(result["values"], x)
    bn, gn = result["norms"]
    assert (bn["norm"], bn["num_sets"], bn["set_size"]) == ("bn", 6, 18)
    assert gn["sets"][4]["images"] == [1, 1]
    assert gn["sets"][4]["channels"] == [2, 3]
    assert gn["sets"][4]["rows"] == [0, 2]
    np.testing.assert_allclose([s["std"] for s in bn["sets"]], x.std(axis=(0, 2, 3)))
    np.testing.assert_array_equal(gn["normalized"], explain(x, norms=["gn:3"]).norms[0].normalized)
    assert (tmp_path / "x.svg").exists()


def test_a_networks_layer_is_explained_on_test_images(capsys):
    assert main(["explain", "--model", "session08", "--layer", "block2.0.norm", "--num-images", "2", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["shape"] == [2, 24, 4, 4]
    assert "block2.0.norm" in result["source"]
    assert {"bn", "ln", "ln-element", "ln-channel", "gn:8", "in"} <= {norm["norm"] for norm in result["norms"]}


@pytest.mark.parametrize("ending", ["svg", "png", "PNG"])
def test_the_picture_is_a_valid_file_and_the_same_each_time(tmp_path, ending, capsys):
    paths = [tmp_path / "new folder" / f"{name}.{ending}" for name in "ab"]
    for path in paths:
        assert main(["explain", "--norms", "bn,gn:2", "--out", str(path)]) == 0
    assert str(paths[1]) in capsys.readouterr().out.replace("\n", "")
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    if ending == "svg":
        assert ET.fromstring(first).tag.endswith("svg")
    else:
        with Image.open(io.BytesIO(first)) as image:
            assert image.format == "PNG"
            assert image.width > image.height


def colored_area(norm, shape):
    """Return the share of the picture's pixels that have the coloured set's blue."""
    png = saved(draw(explain(np.random.default_rng(0).normal(size=shape), norms=[norm])))["png"]
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return float((pixels[..., 2] - pixels[..., 0] > 60).mean())


def test_a_larger_set_covers_more_of_the_block():
    shape = (3, 4, 2, 2)
    areas = {norm: colored_area(norm, shape) for norm in ("in", "gn:2", "ln")}
    assert 0.005 < areas["in"] < areas["gn:2"] < areas["ln"] < 0.5


def test_long_axes_are_cut_and_the_picture_says_so():
    def texts(shape):
        (axes,) = draw(explain(np.random.default_rng(0).normal(size=shape))).axes
        return " ".join(" ".join(text.get_text() for text in axes.texts).split())

    cut = texts((20, 64, 7, 7))
    assert "N = 20" in cut
    assert "C = 64" in cut
    assert "H·W = 7·7" in cut
    assert "channels 0-4 and 62-63 of 64; pixels 0-4 and 47-48 of 49" in cut
    assert "…" in cut
    assert "…" not in texts((9, 9, 3, 3))


def test_drawing_opens_no_window():
    draw(explain())
    assert pyplot.get_fignums() == []


def write_huge(path):
    """Write the header of an array of 8 TB in a sparse file."""
    with path.open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**3, 10, 100)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 2**23)


def save(array):
    return lambda path: np.save(path, array)


FILES = {
    "pickled": (lambda p: np.save(p, np.array([{}, None], dtype=object), allow_pickle=True), "Python objects"),
    "one axis": (save(np.zeros(2)), "(N, C, H, W)"),
    "NaN": (save(np.array([[[[0, np.nan]]]])), "nan"),
    "no values": (save(np.zeros((0, 3, 2, 2))), "no values"),
    "text": (lambda p: p.write_text("1 2 3\n4 5 6\n"), "not a readable .npy file"),
    "nothing": (lambda p: p.write_bytes(b""), "empty file"),
    "archive": (lambda p: np.savez(p.open("wb"), a=np.zeros(3)), ".npz"),
    "cut off": (lambda p: (save(np.zeros((2, 3, 4, 4)))(p), p.write_bytes(p.read_bytes()[:200])), "not a readable"),
    "bad header": (lambda p: p.write_bytes(b"\x93NUMPY\x01\x00\x04\x00{{{\n"), "not a readable"),
    "zip": (lambda p: p.write_bytes(b"PK\x03\x04 and no more"), "not a readable"),
    "strings": (save(np.array([[["a"]]])), "real numbers"),
    "huge": (write_huge, "x"),
    "large": (save(np.zeros((3, 1024, 1024), np.int8)), "3,145,728 values"),
    "folder": (lambda p: p.mkdir(), "a folder"),
    "missing": (lambda p: None, "No such file"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_is_one_line_and_code_2(tmp_path, capsys, name):
    write, words = FILES[name]
    path = tmp_path / "x.npy"
    write(path)
    assert main(["explain", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("whichnorm: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err
    assert "x.npy" in shown.err
    assert "allow_pickle" not in shown.err


WRONG = [
    (["--norms", "bm"], ["unknown norm 'bm'", "did you mean 'bn'"]),
    (["--norms", "gn:3"], ["3 groups", "1, 2, 4 do"]),
    (["--norms", "none"], ["no statistics"]),
    (["--norms", ","], ["no norms"]),
    (["--out", "x.pdf"], [".png or .svg"]),
    (["--layer", "norm"], ["--layer", "--model"]),
    (["--num-images", "0"], ["--num-images", "--model"]),
    (["x.npy", "--model", "session08"], ["both"]),
    (["--model", "sesion08"], ["did you mean 'session08'"]),
    (["--model", "session08", "--layer", "block2.0.nrm"], ["did you mean 'block2.0.norm'"]),
    (["--model", "session08", "--num-images", "0"], ["0 images"]),
    (["--model", "session08", "--num-images", "100000"], ["100000 images"]),
    (["--model", "session08", "--seed", "-1"], ["seed -1"]),
    (["--model", "session08", "--data", "digit"], ["did you mean 'digits'"]),
    (["--model", "session08", "--data", "cifar10", "--data-dir", "nowhere", "--no-download"], ["data_batch_1.bin"]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda value: " ".join(value[:4]))
def test_wrong_options_are_one_line_and_code_2_with_nothing_written(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert all(word in shown.err for word in words), shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["explain", "--norms", "bn", "--out", str(tmp_path / "file" / "x.svg")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_help_has_an_example_and_fits_80_columns(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert "whichnorm explain features.npy --norms bn,gn:4,in" in text
    assert max(map(len, text.splitlines())) <= 80

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import networks
import pytest
from torch import nn

from whichnorm.architecture import svg
from whichnorm.architecture.blocks import blocks_of
from whichnorm.architecture.layout import lay_out
from whichnorm.architecture.summary import describe
from whichnorm.cli import main
from whichnorm.models import NETWORKS, build_model, default_input_shape
from whichnorm.norms import parse_norm
from whichnorm.norms.layers import norm_layers

OWN = {"deep": networks.deep, "dense": networks.dense, "odd": networks.odd}
DRAWN = [
    *((name, {}) for name in [*NETWORKS, *OWN]),
    ("session08", {"add_skip": True}),
    ("wynet", {"blocks_per_layer": 3}),
]  # fmt: skip


def described(name, norm="gn:2", **options):
    shape = default_input_shape(name) if name in NETWORKS else (3, 32, 32)
    spec = parse_norm(norm)
    model = build_model(OWN.get(name, name), spec, in_channels=shape[0], image_size=shape[1:], **options)
    return model, describe(model, name, spec, shape, 10)


def corners(canvas, index):
    x, top, half, height = canvas._box(index)
    return x - half, top, x + half, top + height


@pytest.mark.parametrize(("name", "options"), DRAWN, ids=str)
def test_blocks_stand_apart_inside_the_page_and_no_line_runs_through_them(name, options):
    _, architecture = described(name, **options)
    blocks = blocks_of(architecture)
    canvas = svg._Canvas(blocks, lay_out(blocks))
    boxes = [corners(canvas, index) for index in range(len(blocks))]
    for left, top, right, bottom in boxes:
        assert left >= 0 and top >= svg.TOP and right <= canvas.width and bottom <= canvas.height  # noqa: PT018
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    lines = re.findall(r'<path d="(M[^"]*)" fill="none"', "".join(canvas.draw()))
    assert len(lines) >= sum(len(block.inputs) for block in blocks)
    for line in lines:
        points = [(int(x), int(y)) for x, y in re.findall(r"(-?\d+) (-?\d+)", line)]
        for (ax, ay), (bx, by) in pairwise(points):
            for left, top, right, bottom in boxes:
                crosses_x = min(ax, bx) < right and max(ax, bx) > left
                crosses_y = min(ay, by) < bottom and max(ay, by) > top
                assert not (crosses_x and crosses_y), line


@pytest.mark.parametrize(("name", "options"), DRAWN, ids=str)
def test_the_picture_is_xml_with_every_norm_in_colour_every_join_and_every_resolution(name, options):
    model, architecture = described(name, **options)
    text = svg.draw(architecture)
    root = ElementTree.fromstring(text)
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert text.count(f'fill="{svg.FILLS["norm"][0]}"') == len(norm_layers(model)) + 1  # one in the legend
    joins = [row for row in architecture.rows if row.node.category == "join"]
    assert sum(word in ("+", "×", "concat") for word in words) == len(joins)
    convs = [row for row in architecture.rows if row.node.category == "conv"]
    assert sum(word.startswith("Conv ") for word in words) == len(convs)
    assert words[0] == f"{name} with GroupNorm, 2 groups"
    assert f"{architecture.params:,} parameters" in words[1]
    for row in convs:
        assert f"{row.node.out_shape[1]} × {row.node.out_shape[2]}" in words


def test_a_block_holds_a_convolution_and_what_follows_it():
    blocks = blocks_of(described("session08", "gn:8")[1])
    assert [band for _, band in blocks[1].bands] == ["GroupNorm, 8 groups", "ReLU · Dropout 0.05"]
    assert (blocks[1].category, blocks[1].positions, blocks[1].out_shape) == ("conv", "32 × 32", (24, 32, 32))


def test_a_deep_network_is_wrapped_into_columns_at_single_tensors_only():
    blocks = blocks_of(described("deep")[1])
    layout = lay_out(blocks)
    assert len(layout.columns) >= 3
    first = [column[0].ranks[0] for column in layout.columns[1:]]
    for start in first:
        crossing = {s for t, b in enumerate(blocks) for s in b.inputs if layout.ranks[s] < start <= layout.ranks[t]}
        assert len(crossing) == 1


def test_a_skip_without_layers_runs_in_a_lane_of_its_own():
    blocks = blocks_of(described("deep")[1])
    layout = lay_out(blocks)
    skips = [branch for branch in layout.branches if not branch.blocks]
    assert len(skips) == 19
    assert all(branch.lane > 0 for branch in layout.branches)


def test_names_are_shown_as_they_are():
    strange = type("<b>&\"'", (nn.ReLU,), {})
    model = nn.Sequential(nn.Conv2d(3, 4, 1), strange(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    text = svg.draw(describe(model, 'a"<b>:c', parse_norm("none"), (3, 4, 4), 4))
    words = [element.text or "" for element in ElementTree.fromstring(text).iter()]
    assert any(word.startswith('a"<b>:c') for word in words)
    assert "<b>&\"'" in words


def test_a_file_is_written_and_the_same_again(tmp_path):
    _, architecture = described("wynet")
    for name in ("a.svg", "b.svg"):
        svg.write_svg(architecture, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_picture_of_another_kind_is_refused(tmp_path, capsys):
    assert main(["show", "session08", "--svg", str(tmp_path / "a.png")]) == 2
    assert "ends in .svg" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

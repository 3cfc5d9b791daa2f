"""Every registered norm: its text form, names, family and statistics sets; and texts that name none."""

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from norm_reference import KINDS as KINDS_WITH_FORMULAS
from norm_reference import assert_raises_one_line

from whichnorm.errors import SpecError
from whichnorm.norms import FORMS, NORMS, NoNormSpec, parse_norm
from whichnorm.norms.registry import KINDS

FAMILIES = {"bn", "ln", "gn", "in", "none"}
SHAPES = [(3, 32, 4, 2), (1, 48, 3, 3), (2, 16, 1, 5)]


def test_the_norms_the_specs_and_the_reader_of_texts_do_without_torch():
    code = "import sys, whichnorm.norms as n; print(n.parse_norm('gn:8').title, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "GroupNorm, 8 groups False\n"


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_a_registered_norm_is_what_its_text_form_says(norm):
    assert parse_norm(str(norm)) == norm
    if not isinstance(norm, NoNormSpec):
        plain = replace(norm, affine=False)
        assert str(plain) == f"{norm}:noaffine"
        assert parse_norm(str(plain)) == plain


def test_every_text_form_is_listed_once_and_every_norm_has_its_formula_in_the_tests():
    assert tuple(str(norm) for norm in NORMS) == FORMS
    assert len(set(FORMS)) == len(FORMS)
    assert {kind.split(":")[0] for kind in KINDS_WITH_FORMULAS} == set(KINDS) - {"none"}


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_a_registered_norm_has_a_family_and_names(norm):
    assert norm.family in FAMILIES
    assert norm.title


def test_titles_tell_norms_apart_and_are_those_of_the_papers():
    titles = [norm.title for norm in NORMS]
    assert len(set(titles)) == len(titles)
    named = {text: parse_norm(text).title for text in ("bn", "ln", "gn:2", "gn:1", "gn:c1", "gn:c4")}
    assert named == {
        "bn": "BatchNorm", "ln": "LayerNorm", "gn:2": "GroupNorm, 2 groups", "gn:1": "GroupNorm, 1 group",
        "gn:c1": "GroupNorm, 1 channel per group", "gn:c4": "GroupNorm, 4 channels per group",
    }  # fmt: skip


@pytest.mark.parametrize(("norm", "shape"), list(itertools.product(NORMS, SHAPES)), ids=str)
def test_a_changed_element_changes_the_layers_results_in_its_box_and_nowhere_else(norm, shape):
    layer = norm.build(num_channels=shape[1])
    x = torch.from_numpy(np.random.default_rng(0).normal(size=shape))
    other = x.clone()
    other[tuple(size - 1 for size in shape)] += 1
    changed = (layer(x) != layer(other)).detach().numpy()
    box = norm.box(shape) or (1, 1, 1, 1)
    expected = np.zeros(shape, dtype=bool)
    expected[tuple(slice(size - side, size) for size, side in zip(shape, box, strict=True))] = True
    np.testing.assert_array_equal(changed, expected)


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_a_registered_norm_says_in_one_sentence_what_shares_statistics(norm):
    for shape in SHAPES:
        sentence = norm.sentence(shape)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert ("one mean and one variance" in sentence) is (norm.box(shape) is not None)


def test_sentences_count_what_shares_statistics():
    def said(text, shape):
        return parse_norm(text).sentence(shape).split("variance, ")[1]

    assert said("bn", (3, 4, 1, 2)) == "over all 3 images and 2 pixels."
    assert said("bn", (1, 4, 1, 1)) == "over the one image and 1 pixel."
    assert said("ln", (3, 4, 2, 2)) == said("ln-element", (3, 4, 2, 2)) == "over its 4 channels and 4 pixels."
    assert said("ln-channel", (3, 1, 2, 2)) == "over its 1 channel."
    assert said("in", (3, 4, 40, 30)) == "over its 1,200 pixels."
    assert parse_norm("gn:c2").sentence((3, 4, 1, 2)) == parse_norm("gn:2").sentence((3, 4, 1, 2))
    assert parse_norm("gn:2").sentence((3, 4, 1, 2)).startswith("Each group of 2 channels of an image has one mean")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("num_channels", [4, 12, 24, 35])
def test_the_example_of_a_norm_fits_the_channels(kind, num_channels):
    norm = kind.example_for(num_channels)
    assert type(norm) is kind
    norm.build(num_channels=num_channels)


@pytest.mark.parametrize("num_channels", [1, 2, 3, 7])
def test_group_norm_has_no_example_where_its_groups_could_only_be_another_norms(num_channels):
    match = f"gn: {num_channels} channels? split into no number of groups but 1"
    assert_raises_one_line(SpecError, match, lambda: KINDS["gn"].example_for(num_channels))


LONG = {
    "a word": "x" * 10**6,
    "a number": "gn:" + "9" * 5000,
    "options": "bn:" + "noaffine:" * 10**4,
    "after groups": "gn:8:" + "x" * 10**5,
    "after none": "none:" + "x" * 10**5,
    "blanks": "bn" + " " * 10**5 + "x",
    "lines": "bn\n" * 10**4,
    "zeros": "\0" * 10**4,
    "colons": ":" * 10**5,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_text_is_refused_in_a_short_line(text):
    with pytest.raises(SpecError) as refused:
        parse_norm(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_any_text_is_a_norm_or_is_refused_in_a_short_line():
    rng = np.random.default_rng(0)
    pieces = ["bn", "ln", "gn", "in", "none", "c", "8", "0", ":", ":noaffine", "-element", " ", "\n", "é", "-", "."]
    norms, messages = [], []
    for _ in range(2000):
        try:
            norms.append(parse_norm("".join(rng.choice(pieces, size=rng.integers(1, 7)))))
        except SpecError as error:
            messages.append(str(error))
    assert len(set(norms)) > 5
    assert all(parse_norm(str(norm)) == norm for norm in norms)
    assert max(map(len, messages)) < 300
    assert not any("\n" in message for message in messages)

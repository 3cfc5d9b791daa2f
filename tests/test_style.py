"""How arms look: one colour and marker per family of norms, in every study and sweep."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from whichnorm.norms import NORMS
from whichnorm.render.style import FAMILIES, arm_styles

GROUPS = ["gn:1", "gn:2", "gn:4", "gn:8", "gn:12", "gn:16", "gn:c1"]


def test_every_family_of_norms_has_its_colour_and_marker():
    assert {norm.family for norm in NORMS} <= set(FAMILIES)
    styles = arm_styles([str(norm) for norm in NORMS])
    firsts = [styles[arm] for arm in ("bn", "ln", "gn:8", "in", "none")]
    assert len({style.color for style in firsts}) == len({style.marker for style in firsts}) == 5


@pytest.mark.parametrize("others", [["ln"], ["gn:4", "in"], ["bn+l1:0.001", "ln"]])
def test_an_arm_looks_alike_in_every_study(others):
    assert arm_styles([*others, "bn"])["bn"] == arm_styles(["bn"])["bn"]
    assert arm_styles(["bn", "gn:8"])["gn:8"] == arm_styles(["gn:8", "ln"])["gn:8"]


def test_no_two_arms_look_alike_even_in_one_family():
    arms = ["bn", "bn:noaffine", "bn+l1:0.001", "bn+l2:0.001", *GROUPS, "ln", "ln-channel", "ln-element", "in", "none"]
    looks = list(arm_styles(arms).values())
    assert len({(style.color, str(style.line), style.marker) for style in looks}) == len(arms)
    many = arm_styles([f"gn:{number}" for number in range(1, 61)])
    assert len({(style.color, str(style.line), style.marker) for style in many.values()}) == 60


def test_a_family_s_arms_share_their_hue_and_differ_in_line():
    styles = [arm_styles(GROUPS)[arm] for arm in GROUPS]
    hues = [np.argmax(to_rgb(style.color)) for style in styles]
    assert len(set(hues)) == 1
    assert all(a.line != b.line for a, b in itertools.pairwise(styles))


def linear(color):
    """Return a colour in linear light, as a colour-blind eye's transform wants it."""
    values = np.array(to_rgb(color))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009.
DEFICIENCIES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


@pytest.mark.parametrize("name", DEFICIENCIES)
def test_families_can_be_distinguished_by_colour_blind_eyes(name):
    seen = [np.array(DEFICIENCIES[name]) @ linear(family.color) for family in FAMILIES.values()]
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) > 0.1

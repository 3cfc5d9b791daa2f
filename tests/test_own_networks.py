"""Networks of the user's own, named or given as functions."""

import sys

import pytest
import torch

from whichnorm.errors import ModelError, SpecError
from whichnorm.models import build_model, load_factory
from whichnorm.norms import parse_norm

OWN = """
import torch
from torch import nn

def make(norm, num_classes, in_channels, *, dropout: float = 0.5, width: int = 4, mode: "Unknown" = None):
    return nn.Sequential(nn.Conv2d(in_channels, width, 3), norm(num_channels=width), nn.Dropout(dropout),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))

def plain(norm, num_classes, in_channels):
    return make(norm, num_classes, in_channels)

def sized(norm, num_classes, in_channels, image_size=12):
    return nn.Sequential(norm(in_channels), nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

def evaluating(norm, num_classes, in_channels):
    model = make(norm, num_classes, in_channels)
    model[1].eval()
    return model

class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)

def noisy(norm, num_classes, in_channels):
    return nn.Sequential(Noise(), make(norm, num_classes, in_channels))

def anything(norm, num_classes, in_channels, **options):
    return make(norm, num_classes, in_channels, **options)

def two(norm, num_classes):
    return None

def nothing(norm, num_classes, in_channels):
    pass

def broken(norm, num_classes, in_channels):
    raise KeyError("first line\\nsecond line")

def spatial(norm, num_classes, in_channels):
    return nn.Conv2d(in_channels, num_classes, 1)

def tupled(norm, num_classes, in_channels):
    class Both(nn.Module):
        def forward(self, x):
            return x, x
    return Both()

def unused(norm, num_classes, in_channels):
    model = make(norm, num_classes, in_channels)
    class Wrap(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.spare = model, norm(3)
        def forward(self, x):
            return self.used(x)
    return Wrap()
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder that is the working directory and holds the package own_networks_of_the_test, not on sys.path."""
    package = tmp_path / "own_networks_of_the_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nets.py").write_text(OWN)
    (package / "needy.py").write_text("import a_module_that_is_not_there\n")
    (package / "wrong.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder not in ("", str(tmp_path))])
    path_before = list(sys.path)
    yield "own_networks_of_the_test.nets:"
    assert sys.path == path_before
    for module in [module for module in sys.modules if module.startswith("own_networks_of_the_test")]:
        del sys.modules[module]


def test_own_factory_is_found_in_the_working_directory(own):
    model = build_model(own + "make", "gn:2", 5, 1)
    assert [type(layer).__name__ for layer in model][1] == "GroupNorm"
    assert model[2].p == 0.5
    assert load_factory(own + "make") is sys.modules["own_networks_of_the_test.nets"].make


def test_own_factory_gets_the_options_of_its_signature(own):
    model = build_model(own + "make", "bn", dropout=0.1, width=8, mode=object())
    assert model[0].out_channels == 8
    assert model[2].p == 0.1
    assert build_model(own + "plain", "bn")[2].p == 0.5
    assert build_model(own + "anything", "bn", dropout=0.2, width=6)[0].out_channels == 6
    assert build_model(own + "sized", "ln-element")[2].in_features == 3 * 12**2
    assert build_model(own + "sized", "ln-element", image_size=6)[2].in_features == 3 * 6**2


def test_random_numbers_of_the_dry_forward_are_given_back(own):
    torch.manual_seed(4)
    load_factory(own + "noisy")(parse_norm("bn"), 10, 3)
    expected = torch.rand(4)
    torch.manual_seed(4)
    build_model(own + "noisy", "bn")
    torch.testing.assert_close(torch.rand(4), expected, rtol=0, atol=0)


def test_modes_set_by_a_factory_stay(own):
    model = build_model(own + "evaluating", "bn")
    assert [layer.training for layer in model] == [True, False, True, True, True, True]


@pytest.mark.parametrize(
    ("attribute", "arguments", "parts"),
    [
        ("mak", {}, ["has no 'mak'", "did you mean 'make'?"]),
        ("make", {"widht": 3}, ["no option 'widht'", "did you mean 'width'?"]),
        ("plain", {"dropout": 0.1}, ["no keyword 'dropout'", "0.1"]),
        ("two", {}, ["TypeError", "factory(norm, num_classes, in_channels)"]),
        ("nothing", {}, ["returned a NoneType", "torch.nn.Module"]),
        ("broken", {}, ["KeyError", "first line", "second line", "factory(norm, num_classes, in_channels)"]),
        ("spatial", {}, ["(2, 10, 32, 32)", "3x32x32", "expected (2, 10)"]),
        ("tupled", {}, ["tuple", "expected (2, 10)"]),
        ("sized", {"image_size": (6, 4)}, ["TypeError"]),
        ("unused", {"norm": "ln-element"}, ["'spare.weight'", "never uses"]),
    ],
)
def test_an_error_in_an_own_factory_is_told(own, attribute, arguments, parts):
    with pytest.raises(ModelError) as caught:
        build_model(own + attribute, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_module_that_cannot_be_imported_says_why(own):
    with pytest.raises(ModelError, match="needs 'a_module_that_is_not_there'"):
        load_factory("own_networks_of_the_test.needy:make")
    with pytest.raises(ModelError, match="failed with ZeroDivisionError: division by zero"):
        load_factory("own_networks_of_the_test.wrong:make")


def test_own_factory_passes_a_misfit_of_its_norm_on(own):
    with pytest.raises(SpecError, match="do not split"):
        build_model(own + "make", "gn:3")

"""The commands and the Python of the documents are those that whichnorm has."""

import ast
import inspect
import re
import shlex

import pytest
from documents import DOCUMENTS, README, ROOT, blocks, commands
from torch import nn

import whichnorm
from whichnorm.cli import build_parser, load_commands
from whichnorm.errors import WhichnormError
from whichnorm.models import build_model
from whichnorm.study_results import StudyResults

DOCUMENTED = sorted(
    {(path.relative_to(ROOT).as_posix(), line) for path in DOCUMENTS for line in commands(path.read_text())}
)
PYTHON = [(path.name, code) for path in DOCUMENTS for code in blocks(path.read_text(), "python")]


# What the documents name and the code is still to get; nothing is skipped any more once it is there.
@pytest.fixture(scope="module")
def parser():
    return build_parser(load_commands())


def names_of(parser):
    (subparsers,) = [action for action in parser._actions if action.dest == "command"]
    return set(subparsers.choices)


@pytest.mark.parametrize(("document", "line"), DOCUMENTED, ids=[f"{d}: {line}" for d, line in DOCUMENTED])
def test_a_documented_command_is_accepted(parser, document, line):
    name, *arguments = shlex.split(line)[1:]
    if not arguments:
        assert name in names_of(parser)
        return
    try:
        parser.parse_args([name, *arguments])
    except WhichnormError as error:
        pytest.fail(f"{document}: {error}")


def test_every_command_is_documented(parser):
    documented = {shlex.split(line)[1] for _, line in DOCUMENTED}
    assert names_of(parser) <= documented


@pytest.mark.parametrize("code", [code for _, code in PYTHON], ids=[name for name, _ in PYTHON])
def test_documented_calls_have_the_arguments_of_the_functions(code):
    for call in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if not isinstance(owner, ast.Name):
            continue
        if owner.id == "whichnorm":
            signature = inspect.signature(getattr(whichnorm, call.func.attr))
            signature.bind(*call.args, **{keyword.arg: keyword.value for keyword in call.keywords})
        if owner.id == "results":
            assert hasattr(StudyResults, call.func.attr)


@pytest.mark.parametrize("path", [README, ROOT / "docs" / "networks.md"], ids=lambda path: path.name)
def test_the_network_of_ones_own_is_built(path):
    """The factory shown is built and checked as a user's would be."""
    (code,) = [block for block in blocks(path.read_text(), "python") if "def make" in block]
    names = {}
    exec(code, names)
    model = build_model(names["make"], norm="gn:8", num_classes=4, in_channels=3)
    num_norms = len(re.findall(r"\bnorm\(\d+\)", code))
    assert sum(isinstance(layer, nn.GroupNorm) for layer in model.modules()) == num_norms > 0


def test_the_norms_of_the_table_are_those_there_are():
    table = (ROOT / "docs" / "norms.md").read_text().split("| text |")[1].split("\n\n")[0]
    texts = re.findall(r"^\| `([^`]+)`", table, flags=re.MULTILINE)
    assert [str(whichnorm.parse_norm(text)) for text in texts] == texts
    assert {type(whichnorm.parse_norm(text)) for text in texts} == set(whichnorm.NormSpec.__subclasses__())

"""The notebook runs from top to bottom with public names only, and is stored as it came out, pictures and all."""

import base64
import json
import os
import re
import sys
from pathlib import Path

import pytest

import whichnorm

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "compare.ipynb"


def read():
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_parameters(notebook, **values):
    """Put a cell with other parameters behind the one tagged "parameters", as papermill does."""
    (index,) = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    no_latency = "import sys; sys.modules['onnxruntime'] = None"  # the export takes seconds per arm
    lines = [no_latency, *(f"{name} = {value!r}" for name, value in values.items())]
    notebook.cells.insert(index + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    return notebook


def outputs(notebook, kind):
    """Return the outputs of a MIME type in their order."""
    shown = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [output.data[kind] for output in shown if kind in output.get("data", {})]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook run in its own folder on a few digits, and the study's folder."""
    out = tmp_path_factory.mktemp("notebook") / "study"
    notebook = with_parameters(
        read(),
        DATA="digits",
        MODEL="digits_net",
        NORMS=["bn", "gn:8"],
        EPOCHS=2,
        SEEDS=1,
        TRAIN_LIMIT=300,
        OUT=str(out),
        DATA_DIR=str(out.parent),
    )
    package = str(Path(whichnorm.__file__).parent.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([package, os.environ.get("PYTHONPATH", "")]))
        patch.setenv("JUPYTER_PATH", str(_kernel(tmp_path_factory.mktemp("kernels"))))
        resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="this-python", resources=resources).execute()
    return notebook, out


def _kernel(folder):
    """Describe a kernel of this very Python, whatever kernels the machine has."""
    spec = folder / "kernels" / "this-python"
    spec.mkdir(parents=True)
    arguments = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.joinpath("kernel.json").write_text(
        json.dumps({"argv": arguments, "display_name": "this", "language": "python"})
    )
    return folder


PLOTTED = ("accuracy", "curves", "mistakes", "confusion", "classes", "gradcam")


def test_it_is_stored_as_it_came_out():
    notebook = read()
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    assert len(outputs(notebook, "image/png")) >= 1 + len(PLOTTED)  # what every viewer of notebooks can show
    assert not [o for cell in code_cells(notebook) for o in cell.outputs if o.output_type == "error"]
    assert NOTEBOOK.stat().st_size < 2_000_000


def test_as_stored_it_reaches_a_verdict():
    (said,) = [cell for cell in code_cells(read()) if cell.source == "print(results.verdict.text)"]
    assert said.outputs[0].text.startswith("Use bn ")


def test_it_imports_public_names_only():
    source = "\n".join(cell.source for cell in code_cells(read()))
    imported = set(re.findall(r"^\s*(?:from|import) ([\w.]+)", source, re.M))
    assert imported == {"sys", "whichnorm"}
    assert set(re.findall(r"whichnorm\.(\w+)", source)) <= set(whichnorm.__all__)


def test_every_picture_that_is_plotted_is_the_reports(executed):
    notebook, out = executed
    written = {path.read_bytes() for path in (out / "report" / "figures").glob("*.png")}
    shown = [base64.b64decode(data) for data in outputs(notebook, "image/png")][1:]  # the first is of the sets
    assert len(shown) >= 10
    assert len(shown) == len(set(shown))
    assert set(shown) <= written
    assert [cell.source for cell in code_cells(notebook) if "plot" in cell.source] == [
        f'results.plot("{name}")' for name in PLOTTED
    ]


def test_the_worked_example_and_the_network_are_drawn(executed):
    notebook, _ = executed
    (network,) = outputs(notebook, "image/svg+xml")
    assert 'aria-label="digits_net with gn:8"' in network
    printed = "".join(o.text for cell in code_cells(notebook) for o in cell.outputs if o.output_type == "stream")
    assert "LayerNorm" in printed
    assert "multiply-adds" in printed


def test_the_verdict_and_every_arm_are_shown_and_nothing_is_complained_about(executed):
    notebook, out = executed
    results = json.loads((out / "results.json").read_text())
    streams = [output for cell in code_cells(notebook) for output in cell.outputs if output.output_type == "stream"]
    printed = "".join(output.text for output in streams if output.name == "stdout")
    assert results["verdict"]["text"] in printed
    shown = "".join(outputs(notebook, "text/html"))
    for arm in results["arms"]:
        assert f"{100 * arm['test_accuracy']['mean']:.2f} %" in shown
        assert arm["norm"] in shown
    assert [output.text for output in streams if output.name == "stderr"] == []

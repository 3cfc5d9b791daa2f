"""The notebook runs from top to bottom and shows every picture of the report; it is stored without outputs."""

import base64
import json
import os
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
        read(), DATA="digits", MODEL="digits_net", EPOCHS=2, TRAIN_LIMIT=300, OUT=str(out), DATA_DIR=str(out.parent)
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


def test_it_is_stored_without_outputs():
    for cell in code_cells(read()):
        assert cell.outputs == []
        assert cell.execution_count is None


def test_as_stored_it_trains_three_arms_for_twenty_epochs_on_all_of_cifar10():
    (cell,) = [cell for cell in code_cells(read()) if "parameters" in cell.metadata.get("tags", [])]
    names: dict[str, object] = {}
    exec(cell.source, names)
    assert (names["DATA"], names["MODEL"], names["EPOCHS"]) == ("cifar10", "session08", 20)
    assert names["NORMS"] == ["bn", "ln", "gn:8"]
    assert names["TRAIN_LIMIT"] is None


@pytest.mark.slow
def test_every_picture_of_the_report_is_shown_once(executed):
    notebook, out = executed
    written = {path.read_bytes() for path in (out / "report" / "figures").glob("*.png")}
    shown = [base64.b64decode(data) for data in outputs(notebook, "image/png")]
    assert len(written) >= 10
    assert len(shown) == len(set(shown))
    assert set(shown) == written


@pytest.mark.slow
def test_pictures_of_all_arms_come_before_those_of_one(executed):
    notebook, _ = executed
    titles = [text for text in outputs(notebook, "text/markdown") if text.startswith("### ")]
    of_one_arm = [title.startswith(("### bn ", "### ln ", "### gn-8 ")) for title in titles]
    assert titles[0] == "### test accuracy"
    assert of_one_arm == sorted(of_one_arm)
    assert any(of_one_arm)


@pytest.mark.slow
def test_the_worked_example_and_the_network_are_drawn(executed):
    notebook, _ = executed
    worked, network = outputs(notebook, "image/svg+xml")
    assert "LayerNorm" in worked
    assert 'aria-label="digits_net with gn:8"' in network


@pytest.mark.slow
def test_the_verdict_and_every_arm_are_shown_and_nothing_is_complained_about(executed):
    notebook, out = executed
    results = json.loads((out / "results.json").read_text())
    assert f"**{results['verdict']['text']}**" in outputs(notebook, "text/markdown")
    streams = [output for cell in code_cells(notebook) for output in cell.outputs if output.output_type == "stream"]
    printed = "".join(output.text for output in streams if output.name == "stdout")
    assert printed.count("epoch        lr   seconds") == 3
    for arm in results["arms"]:
        low, high = arm["test_accuracy"]["ci95"]
        assert f"{100 * arm['test_accuracy']['mean']:.2f} [{100 * low:.2f}, {100 * high:.2f}]" in printed
    assert [output.text for output in streams if output.name == "stderr"] == []

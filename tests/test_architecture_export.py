import json
import sys

import networks
import pytest
import torch
from torch import nn

from whichnorm.architecture import export
from whichnorm.architecture.export import BATCH_SIZES, TOLERANCE, export_onnx
from whichnorm.cli import main
from whichnorm.errors import ModelError
from whichnorm.models import build_model
from whichnorm.norms import parse_norm

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
NORMS = ["bn", "ln", "ln-element", "ln-channel", "gn:8", "gn:c4", "in", "none"]


def trained(norm):
    """Return a network whose weights, running statistics and biases are no longer those of the start."""
    torch.manual_seed(0)
    model = build_model(networks.small, norm, num_classes=4, image_size=8)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.dtype.is_floating_point:
                value.copy_(torch.rand_like(value) + 0.5)
    return model


@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_is_exported_for_any_number_of_images(tmp_path, capfd, norm):
    model, file = trained(norm), tmp_path / "a.onnx"
    check = export_onnx(model, "small", (3, 8, 8), file)
    assert check.batch_sizes == BATCH_SIZES == (1, 2, 5)
    assert check.relative_difference <= TOLERANCE
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]  # one file, with its weights
    assert model.training
    assert capfd.readouterr() == ("", "")
    proto = onnx.load(file)
    onnx.checker.check_model(proto)
    batch = proto.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param
    assert not batch.dim_value
    assert {node.domain for node in proto.graph.node} <= {"", "ai.onnx"}
    images = torch.randn(7, 3, 8, 8)
    (found,) = onnxruntime.InferenceSession(str(file)).run(None, {"images": images.numpy()})
    with torch.no_grad():
        expected = model.eval()(images)
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("norm", NORMS)
def test_a_traced_layer_computes_what_the_layer_does(norm, dtype):
    torch.manual_seed(0)
    layer, x = parse_norm(norm).build(8), 3 * torch.randn(4, 8, 5, 6) + 1
    layer(x)  # gives a lazy layer its size
    layer, x = layer.eval(), x.to(dtype)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -2, 2)
    with torch.no_grad():
        traced = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("N")},)).module()(x)
        expected = layer(x)
    assert traced.dtype == expected.dtype == dtype
    # One unit in the last place of the stored type: both compute in float32, in different orders.
    tolerance = 2e-5 if dtype == torch.float32 else 2**-7
    torch.testing.assert_close(traced, expected, rtol=tolerance, atol=tolerance)


def test_a_file_that_differs_from_the_network_is_not_written(tmp_path, monkeypatch):
    other = trained("bn")
    with torch.no_grad():
        other[-1].weight.mul_(1.01)
    made = export._onnx_bytes(other.eval(), "other", (3, 8, 8))
    monkeypatch.setattr(export, "_onnx_bytes", lambda *_: made)
    with pytest.raises(ModelError, match="differs from the live one by"):
        export_onnx(trained("bn"), "small", (3, 8, 8), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_cannot_be_exported_is_one_line_and_no_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["show", "networks:branching", "--norm", "bn", "--onnx", "a.onnx"]) == 2
    shown = capsys.readouterr()
    assert "cannot be exported to ONNX" in shown.err
    assert shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_both_files_and_says_so(tmp_path, capsys):
    files = tmp_path / "a.svg", tmp_path / "a.onnx"
    assert main(["show", "session08", "--norm", "gn:8", "--json", "--svg", str(files[0]), "--onnx", str(files[1])]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["svg"] == str(files[0])
    assert shown["onnx"]["file"] == str(files[1])
    assert 0 <= shown["onnx"]["relative_difference"] <= TOLERANCE
    assert all(file.exists() for file in files)


def test_a_missing_package_is_one_line_that_names_the_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert main(["show", "digits_net", "--onnx", str(tmp_path / "a.onnx")]) == 2
    assert "pip install whichnorm[onnx]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

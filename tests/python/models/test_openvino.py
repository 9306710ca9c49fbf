"""Packages in OpenVINO's format: they compute what the module does, and the engine runs them."""

import json

import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from consilia.inference import Engine
from consilia.models import FAMILIES, build, input_shape
from consilia.pack import PackError, load, pack, verify

openvino = pytest.importorskip("openvino")

CLASSES = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")


def pipeline(shape):
    channels, height, width = shape
    return {
        "version": 1,
        "steps": [
            {"op": "grayscale"},
            {"op": "resize", "width": width, "height": height, "interpolation": "area"},
            {"op": "tensor", "layout": "CHW", "channels": channels},
        ],
    }


def pack_module(module, folder, shape, **options):
    given = {
        "id": "small",
        "architecture": "Small",
        "example_input_shape": shape,
        "pipeline": pipeline(shape),
        "classes": CLASSES,
        "format": "openvino",
        **options,
    }
    return pack(module, folder, **given)


class Small(nn.Module):
    """Takes `[N, 1, 8, 8]`."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Linear(144, 4)

    def forward(self, image):
        return self.last(torch.relu(self.norm(self.first(image))).flatten(1))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_package_computes_what_the_module_does(family, tmp_path):
    module = build(family, "demo", seed=3)
    shape = input_shape(family, "demo")
    network = load(pack_module(module, tmp_path, shape))
    images = torch.randn(5, *shape, generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        for batch in (images[:1], images[:3], images):
            torch.testing.assert_close(network(batch), module(batch), rtol=1e-3, atol=1e-4)


def test_the_same_module_gives_the_same_bytes(tmp_path):
    first = pack_module(Small(), tmp_path / "a", (1, 8, 8))
    second = pack_module(Small(), tmp_path / "b", (1, 8, 8))
    for name in ("code.safetensors", "manifest.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_the_manifest_names_both_runtimes_and_one_file(tmp_path):
    manifest = verify(pack_module(Small(), tmp_path, (1, 8, 8)))
    assert manifest["format"] == "openvino"
    assert manifest["files"].keys() == {"code"}
    assert manifest["created_with"] == {
        "torch": torch.__version__.split("+")[0],
        "openvino": openvino.get_version().split("-")[0],
    }


def test_weights_are_not_compressed(tmp_path):
    parts = load_file(pack_module(Small(), tmp_path, (1, 8, 8)) / "code.safetensors")
    assert parts.keys() == {"xml", "constants"}
    assert b'element_type="f16"' not in parts["xml"].tobytes()
    assert parts["constants"].size >= 4 * (4 * 9 + 144 * 4)


def test_a_module_that_fits_one_batch_only_is_refused(tmp_path):
    class OneImage(Small):
        def forward(self, image):
            return super().forward(image.reshape(1, 1, 8, 8) if image.shape[0] == 1 else image)

    with pytest.raises(PackError) as error:
        pack_module(OneImage(), tmp_path, (1, 8, 8))
    assert error.value.field == "module"
    assert list(tmp_path.iterdir()) == []


def test_an_operation_that_openvino_lacks_is_named(tmp_path):
    class Odd(Small):
        def forward(self, image):
            return super().forward(image) + torch.linalg.eigvalsh(torch.ones(4, 4)) * 0

    with pytest.raises(PackError, match="eigvalsh") as error:
        pack_module(Odd(), tmp_path, (1, 8, 8))
    assert "\n" not in error.value.reason


def test_a_package_of_a_newer_runtime_is_refused_by_the_engine(tmp_path):
    path = pack_module(Small(), tmp_path, (1, 8, 8))
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["created_with"]["openvino"] = "2999.1.0"
    (path / "manifest.json").write_text(json.dumps(manifest))
    torchscript = pack_module(Small(), tmp_path, (1, 8, 8), id="other", format="torchscript")
    diagnosis = Engine([path, torchscript]).run("tests/support/phantom.png")
    codes = [opinion.get("error_code") for opinion in diagnosis["opinions"]]
    assert codes == ["member.incompatible", None]
    assert "2999.1.0" in diagnosis["opinions"][0]["error_message"]


def test_the_engine_gives_the_same_opinion_as_with_torchscript(tmp_path):
    members = [
        pack_module(Small(), tmp_path, (1, 8, 8), id=format, format=format)
        for format in ("torchscript", "openvino")
    ]
    diagnosis = Engine(members).run("tests/support/phantom.png")
    torchscript, found = (opinion["probabilities"] for opinion in diagnosis["opinions"])
    assert found == pytest.approx(torchscript, abs=1e-5)

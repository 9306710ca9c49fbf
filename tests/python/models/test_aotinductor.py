"""Compiled packages: they compute what the module does, fit one torch and processor, and are made anew."""

import json
import shutil
import zipfile

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from typer.testing import CliRunner

from consilia import InferenceError
from consilia.cli import app
from consilia.inference import Engine
from consilia.models import aotinductor
from consilia.pack import PackError, load, pack, verify
from consilia.rebuild import find_packages, rebuild

CLASSES = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")
IMAGE = "tests/support/phantom.png"
PIPELINE = {
    "version": 1,
    "steps": [
        {"op": "grayscale"},
        {"op": "resize", "width": 8, "height": 8, "interpolation": "area"},
        {"op": "tensor", "layout": "CHW", "channels": 1},
    ],
}


class Small(nn.Module):
    """Takes `[N, 1, 8, 8]`; has a short bias, an integer buffer and a constant, all of them easily baked."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Linear(144, 4)
        self.register_buffer("order", torch.arange(6).flip(0))

    def forward(self, image):
        features = torch.relu(self.norm(self.first(image)))[:, :, self.order]
        return self.last(features.flatten(1)) + torch.tensor([0.5, -0.5, 0.25, 0.0])


def pack_small(folder, format, **options):
    return pack(
        Small(),
        folder,
        id=options.pop("id", format),
        architecture="Small",
        example_input_shape=(1, 8, 8),
        pipeline=PIPELINE,
        classes=CLASSES,
        format=format,
        **options,
    )


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    made = {format: pack_small(folder, format) for format in ("aotinductor", "aotinductor-frozen")}
    made["bf16"] = pack_small(folder, "aotinductor", id="bf16", precision="bf16")
    return made


def with_metadata(package, **changes):
    """Changes what the code says that it was compiled for, and the manifest's hash with it."""
    code = package / "code.pt2"
    old = code.with_suffix(".old")
    code.rename(old)
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(code, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            body = source.read(name)
            if name.endswith(".wrapper_metadata.json"):
                body = json.dumps({**json.loads(body), **changes}).encode()
            target.writestr(zipfile.ZipInfo(name), body)
    old.unlink()
    from consilia.pack import _file_entry

    manifest = json.loads((package / "manifest.json").read_text())
    manifest["files"]["code"] = _file_entry(code)
    (package / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def foreign(packages, tmp_path):
    """A package whose code is for another torch and a processor that nobody has."""
    copy = shutil.copytree(packages["aotinductor"], tmp_path / "aotinductor.member")
    with_metadata(copy, **{"consilia.torch": "1.0.0", "consilia.instruction_set": "x86_64 avx4096"})
    return copy


@pytest.mark.parametrize("format", ["aotinductor", "aotinductor-frozen"])
def test_a_package_computes_what_the_module_does(packages, format):
    module = Small().eval()
    network = load(packages[format])
    with torch.no_grad():
        for batch in (1, 2, 3, 8):
            images = torch.randn(batch, 1, 8, 8)
            torch.testing.assert_close(network(images), module(images), rtol=1e-4, atol=1e-5)


def test_the_weights_are_all_in_their_own_file(packages):
    weights = load_file(packages["aotinductor"] / "weights.safetensors")
    module = Small()
    floats = {name: t for name, t in module.state_dict().items() if "tracked" not in name}
    assert floats.keys() < weights.keys()  # And the constant.
    for name, tensor in floats.items():
        assert torch.equal(weights[name], tensor)
    assert not (packages["aotinductor-frozen"] / "weights.safetensors").exists()


def test_the_manifest_says_what_the_code_is_for(packages):
    manifest = verify(packages["bf16"])
    assert manifest["created_with"] == aotinductor.key()
    assert manifest["precision"] == "bf16"
    assert "precision" not in verify(packages["aotinductor"])
    assert aotinductor.compiled_key(packages["bf16"] / "code.pt2") == aotinductor.key()


def test_the_engine_runs_all_of_them(packages, tmp_path):
    script = pack_small(tmp_path, "torchscript")
    found = Engine([script, *packages.values()]).run(IMAGE)
    exact, compiled, frozen, reduced = found["opinions"]
    for opinion, tolerance in ((compiled, 1e-5), (frozen, 1e-5), (reduced, 0.02)):
        assert opinion.get("error") is None
        assert opinion["probabilities"] == pytest.approx(exact["probabilities"], abs=tolerance)
    assert reduced["precision"] == "bf16"


def test_two_engines_have_weights_of_their_own(packages, tmp_path):
    other = shutil.copytree(packages["aotinductor"], tmp_path / "aotinductor.member")
    weights = load_file(other / "weights.safetensors")
    weights["last.weight"] = -weights["last.weight"]
    from safetensors.torch import save_file

    from consilia.pack import _file_entry

    save_file(weights, other / "weights.safetensors")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["files"]["weights"] = _file_entry(other / "weights.safetensors")
    (other / "manifest.json").write_text(json.dumps(manifest))
    first, second = Engine([packages["aotinductor"]]), Engine([other])  # The same code, mapped once.
    expected = [first.run(IMAGE)["probabilities"], second.run(IMAGE)["probabilities"]]
    assert expected[0] != pytest.approx(expected[1], abs=1e-3)
    for _ in range(3):
        assert [first.run(IMAGE)["probabilities"], second.run(IMAGE)["probabilities"]] == expected


def test_code_for_another_torch_or_processor_is_refused(foreign):
    with pytest.raises(PackError, match=r"created_with: compiled for torch 1\.0\.0 and x86_64 avx4096"):
        load(foreign)
    with pytest.raises(InferenceError) as caught:
        Engine([foreign]).run(IMAGE)
    message = str(caught.value)
    assert "1.0.0" in message and "avx4096" in message and "rebuild" in message


def test_what_does_not_fit_is_compiled_again(foreign):
    weights = (foreign / "weights.safetensors").read_bytes()
    result = CliRunner().invoke(app, ["models", "rebuild", str(foreign.parent)])
    assert result.exit_code == 0, result.output
    assert result.output == f"{foreign}: rebuilt\n"
    assert verify(foreign)["created_with"] == aotinductor.key()
    assert (foreign / "weights.safetensors").read_bytes() == weights
    assert [path.name for path in foreign.parent.iterdir()] == [foreign.name]
    with torch.no_grad():
        images = torch.randn(3, 1, 8, 8)
        torch.testing.assert_close(load(foreign)(images), Small().eval()(images), rtol=1e-4, atol=1e-5)
    assert rebuild(foreign) is False


def test_what_fits_or_is_not_compiled_stays(packages, tmp_path):
    script = pack_small(tmp_path, "torchscript")
    assert rebuild(packages["aotinductor-frozen"]) is False
    assert rebuild(script, force=True) is False
    assert list(find_packages(script)) == [script]
    with pytest.raises(PackError, match="has no member packages"):
        list(find_packages(tmp_path / "nowhere"))


def test_a_frozen_package_is_compiled_again_from_its_program(packages, tmp_path):
    copy = shutil.copytree(packages["aotinductor-frozen"], tmp_path / "aotinductor-frozen.member")
    assert rebuild(copy, force=True) is True
    with torch.no_grad():
        images = torch.randn(3, 1, 8, 8)
        torch.testing.assert_close(load(copy)(images), Small().eval()(images), rtol=1e-4, atol=1e-5)


def test_another_precision_than_it_was_compiled_for_is_refused(packages):
    with pytest.raises(InferenceError, match="compiled for f32, not for bf16"):
        Engine([packages["aotinductor"]], precision="bf16").run(IMAGE)


def test_an_unknown_precision_is_refused(tmp_path):
    with pytest.raises(PackError, match=r"precision: 'f64' is not one of f32, bf16, f16"):
        pack_small(tmp_path, "torchscript", precision="f64")


def test_a_module_that_cannot_be_exported_is_refused(tmp_path):
    class Branches(Small):
        def forward(self, image):
            return super().forward(image) if image.mean() < 1e9 else super().forward(image) * 2

    with pytest.raises(PackError, match="torch cannot compile it") as caught:
        pack(
            Branches(),
            tmp_path,
            id="branches",
            architecture="Branches",
            example_input_shape=(1, 8, 8),
            pipeline=PIPELINE,
            classes=CLASSES,
            format="aotinductor",
        )
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []

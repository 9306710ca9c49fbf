"""Member packages: what is written, that it computes what the module does, and what is refused.

The reader here follows the manifest with torch alone, as a program in another language would.
"""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from consilia.models import FAMILIES, build, build_full, find_family, imagenet_pipeline, input_shape
from consilia.pack import CONSTANT_BYTES_MAX, MANIFEST_NAME, PackError, load, load_manifest, pack, verify

CLASSES = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pipeline(shape):
    channels, height, width = shape
    return {
        "version": 1,
        "steps": [
            {"op": "grayscale"},
            {"op": "resize", "width": width, "height": height, "interpolation": "area"},
            {"op": "normalize", "mean": [0.5] * channels, "std": [0.25] * channels},
            {"op": "tensor", "layout": "CHW", "channels": channels},
        ],
    }


def pack_demo(family, folder, **options):
    shape = input_shape(family, "demo")
    given = {
        "id": family,
        "architecture": find_family(family).architecture,
        "example_input_shape": shape,
        "pipeline": pipeline(shape),
        "classes": CLASSES,
        **options,
    }
    return pack(options.pop("module", None) or build(family, "demo", seed=3), folder, **given)


class Tiny(nn.Module):
    """Small enough to pack in no time; takes `[N, 1, 8, 8]`."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.norm = nn.BatchNorm2d(1)
        self.fc = nn.Linear(64, 4)

    def forward(self, image):
        return self.fc(self.norm(image).flatten(1))


def pack_tiny(folder, module=None, **options):
    given = {
        "id": "tiny",
        "architecture": "Tiny",
        "example_input_shape": (1, 8, 8),
        "pipeline": pipeline((1, 8, 8)),
        "classes": CLASSES,
        **options,
    }
    return pack(module or Tiny(), folder, **given)


def open_by_the_manifest(path):
    """Opens a package with nothing but the manifest's words."""
    manifest = json.loads((path / "manifest.json").read_text())
    files = manifest["files"]
    script = torch.jit.load(str(path / files["code"]["path"]))
    if manifest["format"] == "torchscript":
        mapped = load_file(str(path / files["weights"]["path"]))
        weights = {name: tensor.clone() for name, tensor in mapped.items()}  # Aligned, as a backend has them.
        for name, tensor in [*script.named_parameters(), *script.named_buffers()]:
            if tensor.is_floating_point():
                assert tensor.numel() == 0
                tensor.data = weights.pop(name)
        assert weights == {}
    return script


@pytest.mark.parametrize("family", FAMILIES)
def test_code_and_weights_together_compute_what_the_module_does_bit_for_bit(family, tmp_path):
    # A matrix product chooses another kernel, and rounds otherwise, where its weights may need a gradient.
    module = build(family, "demo", seed=3).requires_grad_(False)
    script = open_by_the_manifest(pack_demo(family, tmp_path))
    images = torch.randn(5, *input_shape(family, "demo"), generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        for batch in (images[:1], images[:3], images):
            for _ in range(3):  # The executor optimises from the second run on.
                assert torch.equal(script(batch), module(batch))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_code_holds_no_weights(family, tmp_path):
    path = pack_demo(family, tmp_path)
    code = path / "code.pt"
    floats = sum(p.numel() for p in build(family, "demo").parameters())
    assert code.stat().st_size < 0.25 * 4 * floats
    script = open_by_the_manifest(path)
    with torch.no_grad():
        for tensor in script.parameters():
            tensor.zero_()
        images = torch.randn(2, *input_shape(family, "demo"))
        assert script(images).abs().max() == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_frozen_package_is_one_file_that_computes_nearly_the_same(family, tmp_path):
    path = pack_demo(family, tmp_path, format="torchscript-frozen")
    assert sorted(file.name for file in path.iterdir()) == ["code.pt", "manifest.json"]
    script = open_by_the_manifest(path)
    assert list(script.parameters()) == []
    images = torch.randn(3, *input_shape(family, "demo"), generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        torch.testing.assert_close(
            script(images), build(family, "demo", seed=3)(images), rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("format", ["torchscript", "torchscript-frozen"])
@pytest.mark.parametrize("family", ["resnet50"])
def test_packing_twice_gives_the_same_bytes(family, format, tmp_path):
    first = pack_demo(family, tmp_path / "a", format=format)
    second = pack_demo(family, tmp_path / "b", format=format)
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes(), file.name


def test_the_manifest_describes_the_member(tmp_path):
    path = pack_tiny(tmp_path, weight=2, temperature=1.5, notes="demonstration only")
    assert path == tmp_path / "tiny.member"
    manifest = json.loads((path / MANIFEST_NAME).read_text())
    files = manifest.pop("files")
    assert manifest == {
        "manifest_version": 1,
        "id": "tiny",
        "architecture": "Tiny",
        "format": "torchscript",
        "input": {"shape": [1, 8, 8], "dtype": "float32", "pipeline": pipeline((1, 8, 8))},
        "classes": list(CLASSES),
        "weight": 2.0,
        "temperature": 1.5,
        "weights_bytes": 4 * (64 * 4 + 4 + 4),  # Weight and bias; of the norm also mean and variance.
        "created_with": {"torch": torch.__version__.split("+")[0]},
        "notes": "demonstration only",
    }
    for role, name in (("code", "code.pt"), ("weights", "weights.safetensors")):
        body = (path / name).read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        assert files[role] == {"path": name, "sha256": digest, "size_bytes": len(body)}


def test_weights_are_sorted_without_metadata_and_named_as_the_code_names_them(tmp_path):
    body = (pack_tiny(tmp_path) / "weights.safetensors").read_bytes()
    header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
    names = ["fc.bias", "fc.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.weight"]
    assert sorted(header) == names  # The batch counter serves only training, and is dropped.
    begins = [header[name]["data_offsets"][0] for name in names]
    assert begins == sorted(begins)


def test_the_code_names_no_file_of_the_machine_that_made_it(tmp_path):
    with zipfile.ZipFile(pack_tiny(tmp_path) / "code.pt") as archive:
        for name in archive.namelist():
            assert not name.endswith(".debug_pkl")
            assert b"/" + b"python" not in archive.read(name)


def test_packing_changes_neither_the_module_nor_torchs_global_state(tmp_path):
    module = Tiny().train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    state, threads, grad = torch.random.get_rng_state(), torch.get_num_threads(), torch.is_grad_enabled()
    pack_tiny(tmp_path, module)
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    assert (threads, grad) == (torch.get_num_threads(), torch.is_grad_enabled())


def test_a_package_replaces_an_older_one(tmp_path):
    pack_tiny(tmp_path, notes="old", format="torchscript-frozen")
    path = pack_tiny(tmp_path, notes="new")
    assert verify(path)["notes"] == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tiny.member"]


class Fails(Tiny):
    def forward(self, image):
        return super().forward(image)[:, :3]


class Unregistered(Tiny):
    def __init__(self):
        super().__init__()
        self.table = torch.randn(64, CONSTANT_BYTES_MAX // 4 // 64 + 1)

    def forward(self, image):
        return super().forward(image) + (image.flatten(1) @ self.table).mean(1, keepdim=True)


class Baked(Tiny):
    def forward(self, image):
        return image.flatten(1) @ torch.tensor(self.fc.weight.tolist()).T


class OneBatch(Tiny):
    def forward(self, image):
        return super().forward(image.reshape(int(image.shape[0]), 1, 8, 8))


class NotFinite(Tiny):
    def forward(self, image):
        return super().forward(image) / 0


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Fails, r"returns shape \[1, 3\], want \[1, 4\]"),
        (Unregistered, "neither parameters nor buffers"),
        (Baked, "fixed some weights as constants"),
        (OneBatch, "fails on a batch of 3"),
        (NotFinite, "not finite"),
    ],
)
def test_a_module_that_would_mislead_is_refused_and_leaves_nothing_behind(module, reason, tmp_path):
    with pytest.raises(PackError, match=f"^module: .*{reason}") as caught:
        pack_tiny(tmp_path, module())
    assert caught.value.field == "module"
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_older_package(tmp_path):
    path = pack_tiny(tmp_path, notes="old")
    with pytest.raises(PackError):
        pack_tiny(tmp_path, Fails())
    assert verify(path)["notes"] == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tiny.member"]


def without_resize():
    return {"version": 1, "steps": [{"op": "tensor", "channels": 1}]}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"id": "../x"}, "id"),
        ({"id": "Tiny"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"architecture": " "}, "architecture"),
        ({"example_input_shape": (8, 8)}, "example_input_shape"),
        ({"classes": ["a"]}, "classes"),
        ({"classes": ["a", "b", "c", "a"]}, "classes"),
        ({"classes": "abcd"}, "classes"),
        ({"weight": 0.0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"temperature": -1.0}, "temperature"),
        ({"format": "onnx"}, "format"),
        ({"pipeline": {"version": 2, "steps": []}}, "pipeline.version"),
        ({"pipeline": {"version": 1, "steps": []}}, "pipeline.steps"),
        ({"pipeline": without_resize()}, "pipeline.resize"),
        ({"pipeline": pipeline((1, 8, 9))}, "pipeline.resize"),
        ({"pipeline": pipeline((3, 8, 8))}, "pipeline.tensor.channels"),
    ],
)
def test_an_argument_out_of_range_is_refused_by_name(options, field, tmp_path):
    with pytest.raises(PackError) as caught:
        pack_tiny(tmp_path, **options)
    assert caught.value.field == field
    assert caught.value.reason
    assert list(tmp_path.iterdir()) == []


def test_the_longest_id_is_accepted(tmp_path):
    assert pack_tiny(tmp_path, id="x" * 64).is_dir()


@pytest.mark.parametrize("name", ["code.pt", "weights.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "flipped", "longer"])
def test_a_damaged_file_is_found_before_it_is_opened(name, damage, tmp_path):
    file = pack_tiny(tmp_path) / name
    if damage == "missing":
        file.unlink()
    else:
        body = bytearray(file.read_bytes())
        body[len(body) // 2] ^= 1
        file.write_bytes(body if damage == "flipped" else file.read_bytes() + b"\0")
    for reader in (verify, load):
        with pytest.raises(PackError, match=name) as caught:
            reader(file.parent)
        assert caught.value.field.startswith("files.")


def test_a_verified_package_opens(tmp_path):
    module = Tiny().eval().requires_grad_(False)
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(load(pack_tiny(tmp_path, module))(images), module(images))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"manifest_version": 2}, "manifest_version"),
        ({"weight": "1"}, "weight"),
        ({"temperature": 0}, "temperature"),
        ({"format": "pickle"}, "format"),
        ({"files": {}}, "files"),
        ({"id": "../../x"}, "id"),
        ({"classes": [1, 2, 3, 4]}, "classes"),
        ({"input": {"shape": [1, 8, 8], "dtype": "float64", "pipeline": pipeline((1, 8, 8))}}, "input.dtype"),
        ({"input": {"dtype": "float32", "pipeline": pipeline((1, 8, 8))}}, "input.shape"),
    ],
)
def test_a_manifest_of_another_form_is_refused_by_field(change, field, tmp_path):
    path = pack_tiny(tmp_path)
    manifest = json.loads((path / MANIFEST_NAME).read_text()) | change
    (path / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(PackError) as caught:
        load_manifest(path)
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["../code.pt", "/etc/passwd", "a/b", "", ".hidden", 7])
def test_a_manifest_names_no_file_outside_its_package(name, tmp_path):
    path = pack_tiny(tmp_path)
    manifest = json.loads((path / MANIFEST_NAME).read_text())
    manifest["files"]["code"]["path"] = name
    (path / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(PackError) as caught:
        verify(path)
    assert caught.value.field == "files.code.path"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00"])
def test_a_manifest_that_is_no_document_is_refused(text, tmp_path):
    path = pack_tiny(tmp_path)
    (path / MANIFEST_NAME).write_text(text)
    with pytest.raises(PackError) as caught:
        load_manifest(path)
    assert caught.value.field == MANIFEST_NAME


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(PackError, match=r"manifest\.json: not found"):
        load_manifest(tmp_path)


def test_a_full_size_member_is_built_from_our_own_network(tmp_path):
    (path,) = build_full(tmp_path, ["efficientnet_b0"], use_timm="never")
    manifest = verify(path)
    assert manifest["input"]["shape"] == [3, 224, 224]
    assert manifest["input"]["pipeline"] == imagenet_pipeline(224)
    assert "says nothing about patients" in manifest["notes"]
    assert "consilia.models" in manifest["notes"]
    assert (path / "code.pt").stat().st_size < 1_000_000
    shutil.rmtree(path)


def test_the_example_of_the_manual_runs(tmp_path, monkeypatch, capsys):
    page = Path(__file__).parents[3] / "docs" / "members.md"
    example = page.read_text(encoding="utf-8").split("```python\n", 1)[1].split("```", 1)[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(page), "exec"), {})
    assert capsys.readouterr().out.endswith("torch.Size([2, 4])\n")
    assert (tmp_path / "models" / "small.member" / MANIFEST_NAME).is_file()


def test_building_asks_for_known_families_and_sources(tmp_path):
    with pytest.raises(ValueError, match="family: 'vgg16'"):
        next(build_full(tmp_path, ["vgg16"]))
    with pytest.raises(ValueError, match="use_timm: 'perhaps'"):
        next(build_full(tmp_path, use_timm="perhaps"))

"""The six architectures against published sizes, and the properties that packing and batching rely on."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from consilia.models import FAMILIES, build, find_family, input_shape

# Parameters with 1000 classes, as the papers' reference code and timm count them.
PUBLISHED = {
    "crossvit": 26_856_272,
    "resnet50": 25_557_032,
    "densenet121": 7_978_856,
    "efficientnet_b0": 5_288_548,
    "vit_b16": 86_567_656,
    "swin_t": 28_288_354,
}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def parameters(module: nn.Module) -> int:
    return sum(tensor.numel() for tensor in module.parameters())


def test_there_are_the_six_families():
    assert set(FAMILIES) == set(PUBLISHED)


def network_of_shapes(family: str, num_classes: int) -> nn.Module:
    """A full-size network without memory for its weights, and without the time to draw them."""
    entry = find_family(family)
    with torch.device("meta"):
        return entry.network(type(entry.full)(num_classes=num_classes))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_full_network_has_the_published_number_of_parameters(family):
    assert parameters(network_of_shapes(family, 1000)) == PUBLISHED[family]


def test_the_six_full_networks_take_698_megabytes_with_four_classes():
    tensors = [t for family in FAMILIES for t in network_of_shapes(family, 4).state_dict().values()]
    total = sum(t.numel() * t.element_size() for t in tensors if t.is_floating_point())
    assert total == pytest.approx(698e6, rel=0.001)


def test_a_full_network_gives_one_logit_a_class():
    network = build("efficientnet_b0", "full", num_classes=4)
    with torch.no_grad():
        assert network(torch.zeros(1, *input_shape("efficientnet_b0"))).shape == (1, 4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("num_classes", [2, 7])
def test_a_demo_network_gives_one_logit_a_class(family, num_classes):
    network = build(family, "demo", num_classes=num_classes)
    with torch.no_grad():
        logits = network(torch.zeros(3, *input_shape(family, "demo")))
    assert logits.shape == (3, num_classes)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_an_image_gets_the_same_logits_alone_as_in_a_batch(family):
    network = build(family, "demo")
    images = torch.randn(4, *input_shape(family, "demo"), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        together = network(images)
        alone = torch.cat([network(image[None]) for image in images])
    # Untrained logits are small: they are compared on the scale on which images differ.
    spread = (together[0] - together[1]).abs().max()
    assert spread > 0
    assert (together - alone).abs().max() < 0.01 * spread


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_traced_with_one_image_runs_a_batch(family):
    network = build(family, "demo")
    shape = input_shape(family, "demo")
    traced = torch.jit.trace(network, torch.zeros(1, *shape), check_trace=False)
    images = torch.randn(3, *shape, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        assert torch.equal(traced(images), network(images))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_takes_part_in_the_output(family):
    network = build(family, "demo").train()
    images = torch.randn(2, *input_shape(family, "demo"), generator=torch.Generator().manual_seed(7))
    (network(images) * torch.tensor([1.0, -2.0, 3.0, -4.0])).sum().backward()
    idle = [name for name, tensor in network.named_parameters() if tensor.grad is None]
    assert idle == []


def test_a_seed_fixes_the_weights_and_leaves_the_global_random_state():
    before = torch.random.get_rng_state()
    first, again, other = (build("vit_b16", "demo", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.cls_token, other.cls_token)


def test_swin_keeps_regions_apart_that_only_the_shift_made_neighbours():
    """With all tokens equal but one, a shifted block must not carry that one across the image's edge."""
    from consilia.models.swin import SwinBlock, SwinConfig

    torch.manual_seed(0)
    block = SwinBlock(SwinConfig(window=4), width=8, heads=2, side=8, is_shifted=True).eval()
    plain = torch.zeros(1, 8, 8, 8)
    marked = plain.clone()
    marked[0, 7, 3] = torch.arange(8.0)
    with torch.no_grad():
        change = (block(marked) - block(plain)).abs().amax(-1)[0]
    assert change[6:, 2:6].min() > 0
    assert change[:6].max() == 0


def test_an_unknown_family_or_config_is_refused_by_name():
    with pytest.raises(ValueError, match="family: 'vgg16'"):
        build("vgg16")
    with pytest.raises(ValueError, match="config: 'huge'"):
        build("resnet50", "huge")
    with pytest.raises(ValueError, match="num_classes: 0"):
        build("resnet50", "demo", num_classes=0)


def test_an_image_that_is_no_whole_number_of_patches_is_refused():
    from consilia.models.vit import VisionTransformer, VisionTransformerConfig

    with pytest.raises(ValueError, match="image_size: 225 is not a multiple of 16"):
        VisionTransformer(VisionTransformerConfig(image_size=225))


def test_phantoms_load_no_torch():
    code = "import sys, consilia.phantoms; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

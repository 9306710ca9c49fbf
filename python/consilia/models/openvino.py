"""Networks in OpenVINO's intermediate representation, as one file.

OpenVINO writes a network as two files: XML for the graph and a binary of its constants. A member's code is
one file, so both are kept as byte tensors, `xml` and `constants`, of a safetensors file. Importing this
module loads openvino and torch.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from openvino._offline_transformations import apply_moc_transformations
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from safetensors.numpy import load_file, save_file
from torch import Tensor

XML_NAME = "xml"
CONSTANTS_NAME = "constants"


def convert(traced: Any, input_shape: tuple[int, int, int]) -> openvino.Model:
    """Turns a traced module into a graph for batches of any size.

    Steps and order are those of `openvino.convert_model`, which is not called: it reports its use over the
    network. Constants stay float32. Nodes are named by kind and place, so that the same module gives the same
    graph each time.

    Args:
        traced: Of `torch.jit.trace`; takes one image batch and returns one tensor.
        input_shape: Channels, height and width.

    Raises:
        ValueError: OpenVINO does not know an operation of the module; the message names it.
    """
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced)  # The loaded graph borrows from it.
    try:
        model = frontend.convert(frontend.load(decoder))
    except Exception as error:  # Classes of its own, which share no base.
        findings = [line[3:] for line in str(error).splitlines() if line.startswith("-- ")]
        raise ValueError("; ".join(findings) or " ".join(str(error).split())) from error
    model.reshape(openvino.PartialShape([-1, *input_shape]))
    apply_moc_transformations(model, cf=True)
    model.set_friendly_name("network")
    for place, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{place}")
        rt_info = node.get_rt_info()
        for key in [key for key in rt_info if key.startswith("fused_names")]:
            del rt_info[key]  # A debug record; it counts what the process has converted so far.
    return model


def save(model: openvino.Model, path: Path) -> None:
    """Writes graph and constants to one file.

    Raises:
        OSError: The file could not be written.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        xml, constants = Path(folder) / "graph.xml", Path(folder) / "graph.bin"
        openvino.serialize(model, xml, constants)
        parts = {
            XML_NAME: np.fromfile(xml, dtype=np.uint8),
            CONSTANTS_NAME: np.fromfile(constants, dtype=np.uint8),
        }
        # Names what was compiled from it, in a cache, without hashing all of it each time.
        digest = hashlib.sha256(parts[CONSTANTS_NAME].tobytes()).hexdigest()
        save_file(parts, path, metadata={"constants_sha256": digest})


class Network:
    """A saved graph, compiled for the CPU in float32: takes images and returns logits, as torch tensors."""

    def __init__(self, path: Path) -> None:
        parts = load_file(path)
        core = openvino.Core()
        model = core.read_model(parts[XML_NAME].tobytes(), openvino.Tensor(parts[CONSTANTS_NAME]))
        self._compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def __call__(self, images: Tensor) -> Tensor:
        """Images `[N, C, H, W]` in, logits `[N, classes]` out; float32 on the CPU."""
        return torch.from_numpy(self._compiled(images.contiguous().numpy())[0].copy())

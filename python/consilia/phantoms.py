"""Generated images that look like frontal chest radiographs, in the four diagnoses of the founding use.

They exist so that demonstrations and tests need no patient's image. They are drawn, not measured: a model
trained on them, and any accuracy on them, says nothing about patients.

An image is a sum of attenuations on a grid (soft tissue, lungs, heart, bones, vessels, findings), seen
through an exposure curve with blur and noise. The findings follow what radiology reports as typical:

- COVID: bilateral, peripheral, lower ground-glass opacities (Wong et al. 2020, "Frequency and Distribution of
  Chest Radiographic Findings in Patients Positive for COVID-19", Radiology 296).
- Viral Pneumonia: diffuse, bilateral, perihilar haze and reticular lines (Koo et al. 2018, "Radiographic and
  CT Features of Viral Pneumonia", RadioGraphics 38).
- Lung Opacity: one consolidated lobe on one side, bounded by a fissure, with air bronchograms.
- Normal: none of these.

Anything else (pose, inspiration, exposure, devices, markers, habitus) is drawn alike for every diagnosis, and
findings begin faint, so that no classifier is right every time.
"""

from __future__ import annotations

import csv
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIAGNOSES: tuple[str, ...] = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")
SIZE_MIN = 32
SIZE_MAX = 2048
NOTICE = "Generated image for demonstration; it says nothing about patients."

Plane = NDArray[np.float64]

_MARKER_R = ("1110", "1001", "1001", "1110", "1010", "1001")  # The side marker of the patient's right.


def _sigmoid(x: Plane) -> Plane:
    """A soft step from 0 to 1: a cubic, which costs a tenth of an exponential and rounds alike everywhere."""
    t = np.clip(x * (1.0 / 6.0) + 0.5, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def _blur_matrix(size: int, sigma: float) -> Plane:
    """Rows of a Gaussian; `B @ image @ B.T` blurs, with edges renormalised. `sigma` is in pixels."""
    offsets = np.arange(size)[:, None] - np.arange(size)[None, :]
    weights = np.exp(-0.5 * (offsets / max(sigma, 1e-3)) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _blur(image: Plane, sigma: float) -> Plane:
    kernel = _blur_matrix(image.shape[0], sigma)
    return np.asarray(kernel @ image @ kernel.T)


def _noise(rng: np.random.Generator, size: int, cells: float) -> Plane:
    """Smooth noise of about unit deviation with `cells` bumps across the image."""
    count = int(np.ceil(cells)) + 3
    position = np.linspace(0.0, 1.0, size) * cells + rng.uniform(0.0, 1.0)
    weights = np.exp(-0.5 * ((position[:, None] - np.arange(count)[None, :]) / 0.55) ** 2)
    field = np.asarray(weights @ rng.standard_normal((count, count)) @ weights.T)
    return np.asarray((field - field.mean()) / (field.std() + 1e-9))


@dataclass(frozen=True)
class _Patient:
    """What one phantom looks like apart from its findings. Lengths are fractions of half the image."""

    x: Plane  # Anatomical coordinates of each pixel, -1 to 1: the patient's right is negative,
    y: Plane  # and the feet are positive.
    pixel: float  # Width of a pixel.
    width: float  # Of the rib cage.
    top: float  # Of the lungs.
    base: float  # Of the lungs.
    heart: float  # Scale of the heart.
    habitus: float  # Thickness of soft tissue.
    bones: float  # Contrast of bones.


def _make_patient(rng: np.random.Generator, size: int) -> _Patient:
    steps = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    column, row = np.meshgrid(steps, steps)
    angle, scale = rng.normal(0.0, 0.035), rng.uniform(0.93, 1.08)
    column = column - rng.normal(0.0, 0.03)
    row = row - rng.normal(0.0, 0.03)
    x = (column * np.cos(angle) + row * np.sin(angle)) / scale
    y = (row * np.cos(angle) - column * np.sin(angle)) / scale
    x = x + rng.normal(0.0, 0.03) * (1.0 - x * x)  # A patient turned a little to one side.
    return _Patient(
        x=x,
        y=y,
        pixel=2.0 / size,
        width=rng.uniform(0.72, 0.84),
        top=rng.uniform(-0.80, -0.70),
        base=rng.uniform(0.38, 0.58),
        heart=rng.uniform(0.88, 1.18),
        habitus=rng.uniform(0.75, 1.3),
        bones=rng.uniform(0.7, 1.25),
    )


def _cage_edge(patient: _Patient) -> Plane:
    """Half-width of the rib cage at each pixel's height."""
    t = np.clip((patient.y - patient.top) / (patient.base + 0.2 - patient.top), 0.0, 1.2)
    rounded = np.sqrt(1.0 - (1.0 - np.clip(t / 0.86, 0.0, 1.0)) ** 2.3)
    return np.asarray(patient.width * (0.14 + 0.86 * rounded) * (1.0 - 0.05 * t**3))


def _lungs(patient: _Patient) -> tuple[Plane, Plane]:
    """Soft masks, 0 to 1, of the right lung (left in the image) and of the left one."""
    edge = _cage_edge(patient)
    masks = []
    for side in (-1.0, 1.0):
        across = patient.x * side
        base = patient.base + (0.0 if side < 0 else 0.045)
        dome = base + 0.34 * np.clip((across - 0.36) / patient.width, -0.5, 1.0) ** 2 / 0.42
        medial = 0.125 + 0.05 * np.exp(-(((patient.y + 0.05) / 0.16) ** 2))
        mask = _sigmoid((edge - 0.035 - across) / 0.011) * _sigmoid((across - medial) / 0.022)
        mask *= _sigmoid((dome - patient.y) / 0.012) * _sigmoid((patient.y - patient.top - 0.01) / 0.012)
        masks.append(mask)
    return masks[0], masks[1]


def _heart(patient: _Patient) -> Plane:
    """Heart, aortic arch and great vessels, 0 to 1."""
    x, y, scale = patient.x, patient.y, patient.heart
    turned_x = 0.80 * (x - 0.13) + 0.60 * (y - 0.24)
    turned_y = -0.60 * (x - 0.13) + 0.80 * (y - 0.24)
    ventricle = _sigmoid((1.0 - np.hypot(turned_x / (0.34 * scale), turned_y / (0.235 * scale))) / 0.05)
    atrium = _sigmoid((1.0 - np.hypot((x + 0.05) / (0.17 * scale), (y - 0.20) / 0.23)) / 0.06)
    arch = _sigmoid((1.0 - np.hypot((x - 0.10) / 0.095, (y + 0.33) / 0.10)) / 0.12)
    trunk = _sigmoid((0.125 - np.abs(x - 0.01)) / 0.02) * _sigmoid((y + 0.62) / 0.10)
    return np.asarray(np.maximum.reduce([ventricle, atrium, 0.8 * arch, 0.75 * trunk]))


def _bone(distance: Plane, half_width: float) -> Plane:
    """Profile of a tubular bone across its axis: a bright rim and a paler middle."""
    ratio = distance / half_width
    body = _sigmoid((1.0 - np.abs(ratio)) / 0.12)
    return np.asarray(body * (0.62 + 0.38 * np.clip(ratio, -1.0, 1.0) ** 2))


def _skeleton(rng: np.random.Generator, patient: _Patient) -> Plane:
    x, y = patient.x, patient.y
    across = np.abs(x)
    edge = _cage_edge(patient)
    bones = np.zeros_like(x)
    inside = _sigmoid((edge + 0.02 - across) / 0.015)
    gap, slope = rng.uniform(0.150, 0.172), rng.uniform(0.28, 0.42)
    arc = slope * across**2 - 0.10 * np.sin(np.pi * across / 0.85)
    tilt = np.hypot(1.0, 2.0 * slope * across)
    from_spine = inside * _sigmoid((across - 0.06) / 0.02)
    for rib in range(10):
        start = patient.top - 0.02 + gap * rib
        bones += 0.23 * _bone((y - start - arc) / tilt, 0.026) * from_spine
        if 1 <= rib <= 7:
            front = start + 0.20 + 0.55 * (edge - across)
            ends = _sigmoid((across - 0.30 - 0.02 * rib) / 0.03)
            bones += 0.13 * _bone((y - front) / 1.14, 0.030) * inside * ends
    bones += 0.15 * np.exp(-(((across - edge - 0.005) / 0.024) ** 2)) * _sigmoid((0.75 - y) / 0.05)
    lift = rng.uniform(0.16, 0.34)
    for side in (-1.0, 1.0):
        along = x * side
        axis = patient.top + 0.23 + rng.normal(0.0, 0.012) - lift * (along - 0.08)
        axis = axis + 0.035 * np.sin((along - 0.08) * 7.0)
        ends = _sigmoid((along - 0.07) / 0.015) * _sigmoid((0.86 - along) / 0.02)
        bones += 0.30 * _bone(y - axis, 0.034) * ends
        plate = _sigmoid((0.13 - np.abs(along - 0.80 + 0.22 * (y + 0.45))) / 0.02)
        bones += 0.14 * plate * _sigmoid((0.34 - np.abs(y + 0.42)) / 0.04)
        humerus = np.hypot((along - 1.0) / 0.12, (y + 0.66) / 0.13)
        bones += 0.30 * _sigmoid((1.0 - humerus) / 0.08)
    spine = _sigmoid((0.078 - across) / 0.014)
    bones += spine * (0.08 + 0.035 * np.cos((y - patient.top) * 2.0 * np.pi / 0.165) * (y > -1.0))
    return bones * patient.bones


def _window(
    patient: _Patient, x: tuple[float, float], y: tuple[float, float], margin: float
) -> tuple[slice, slice]:
    """The rows and columns that hold a box of anatomical coordinates: only these are drawn on."""
    is_inside = (patient.x > min(x) - margin) & (patient.x < max(x) + margin)
    is_inside &= (patient.y > min(y) - margin) & (patient.y < max(y) + margin)
    rows, columns = np.flatnonzero(is_inside.any(axis=1)), np.flatnonzero(is_inside.any(axis=0))
    if rows.size == 0:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _strokes(
    rng: np.random.Generator, patient: _Patient, *, start: tuple[float, float], heading: float, width: float
) -> Plane:
    """A branching tree of tapering lines (vessels, or bronchi) that grows from `start`."""
    drawn = np.zeros_like(patient.x)
    pending = [(start[0], start[1], heading, width, rng.uniform(0.16, 0.24), 0)]
    while pending:
        x0, y0, angle, half, length, depth = pending.pop()
        dx, dy = np.cos(angle), np.sin(angle)
        window = _window(patient, (x0, x0 + length * dx), (y0, y0 + length * dy), 3.0 * half)
        x, y = patient.x[window] - x0, patient.y[window] - y0
        along = np.clip(x * dx + y * dy, 0.0, length)
        distance = (x - along * dx) ** 2 + (y - along * dy) ** 2
        taper = np.maximum(half * (1.0 - 0.35 * along / length), 0.45 * patient.pixel)
        line = np.exp(-distance / (taper * taper)) * min(1.0, half / 0.010)
        drawn[window] = np.maximum(drawn[window], line)
        if depth < 3:
            for turn in (rng.uniform(0.15, 0.6), -rng.uniform(0.15, 0.6)):
                tip = (x0 + length * dx, y0 + length * dy)
                pending.append((*tip, angle + turn, half * 0.68, length * rng.uniform(0.65, 0.9), depth + 1))
    return drawn


def _vessels(rng: np.random.Generator, patient: _Patient) -> Plane:
    drawn = np.zeros_like(patient.x)
    for side in (-1.0, 1.0):
        for heading in (-0.95, 0.1, 0.95):
            turned = heading + rng.normal(0.0, 0.12)
            angle = turned if side > 0 else np.pi - turned
            tree = _strokes(rng, patient, start=(side * 0.17, -0.03), heading=angle, width=0.019)
            np.maximum(drawn, tree, out=drawn)
        hilum = np.hypot((patient.x - side * 0.19) / 0.085, (patient.y + 0.02) / 0.15)
        np.maximum(drawn, 0.85 * np.exp(-(hilum**2)), out=drawn)
    return drawn


def _covid(rng: np.random.Generator, patient: _Patient, severity: float) -> Plane:
    """Ground-glass patches against the outer wall of both lungs, more of them below."""
    size = patient.x.shape[0]
    edge = _cage_edge(patient)
    haze = np.zeros_like(patient.x)
    for side in (-1.0, 1.0):
        for _ in range(int(rng.integers(2, 5))):
            height = patient.base - abs(rng.normal(0.0, 0.30)) - 0.02
            wall = float(np.interp(height, patient.y[:, size // 2], edge[:, size // 2]))
            centre = side * (wall - rng.uniform(0.06, 0.20))
            radius_x, radius_y = rng.uniform(0.09, 0.19), rng.uniform(0.12, 0.26)
            distance = np.hypot((patient.x - centre) / radius_x, (patient.y - height) / radius_y)
            distance = distance + 0.16 * _noise(rng, size, 9.0)
            np.maximum(haze, rng.uniform(0.6, 1.0) * _sigmoid((1.0 - distance) / 0.17), out=haze)
    grain = 1.0 + 0.22 * _noise(rng, size, 26.0)
    return np.asarray(severity * 0.34 * haze * grain)


def _viral(rng: np.random.Generator, patient: _Patient, severity: float) -> Plane:
    """Haze around both hila and a net of thin lines over most of both lungs."""
    size = patient.x.shape[0]
    across = np.abs(patient.x)
    perihilar = np.exp(-(((across - 0.22) / 0.26) ** 2) - ((patient.y - 0.02) / 0.42) ** 2)
    coarse, fine = _noise(rng, size, 20.0), _noise(rng, size, 34.0)
    net = np.exp(-((coarse / 0.22) ** 2)) + 0.7 * np.exp(-((fine / 0.24) ** 2))
    patchy = np.clip(0.85 + 0.3 * _noise(rng, size, 4.0), 0.2, 1.6)
    spread = 0.35 + 0.65 * perihilar
    return np.asarray(severity * patchy * (0.15 * perihilar + 0.16 * spread * (net - 0.45)))


def _opacity(rng: np.random.Generator, patient: _Patient, severity: float) -> Plane:
    """One consolidated lobe of one lung: even, dense, with one straight border and open bronchi."""
    size = patient.x.shape[0]
    side = -1.0 if rng.random() < 0.55 else 1.0
    across = patient.x * side
    is_upper = rng.random() < 0.4
    border = rng.uniform(-0.22, 0.0) if is_upper else rng.uniform(0.02, 0.24)
    fissure = border + rng.uniform(-0.25, 0.35) * (across - 0.3)
    upwards = 1.0 if is_upper else -1.0
    lobe = _sigmoid((fissure - patient.y) * upwards / 0.022)
    fade = 0.62 * rng.uniform(0.75, 1.3)
    lobe = lobe * _sigmoid((fade - (fissure - patient.y) * upwards) / 0.09)
    reach = rng.uniform(0.35, 0.75)
    lobe = lobe * _sigmoid((reach - np.abs(across - rng.uniform(0.3, 0.55))) / 0.06)
    density = np.clip(1.0 + 0.16 * _noise(rng, size, 7.0), 0.4, 1.4)
    heading = -0.6 if is_upper else 0.6
    angle = heading if side > 0 else np.pi - heading
    bronchi = _strokes(rng, patient, start=(side * 0.2, -0.02), heading=angle, width=0.013)
    return np.asarray(severity * 0.46 * (across > 0.0) * lobe * (density - 0.45 * bronchi))


_FINDINGS = {"COVID": _covid, "Viral Pneumonia": _viral, "Lung Opacity": _opacity}


def _distractors(rng: np.random.Generator, patient: _Patient) -> Plane:
    """What any patient may have and no diagnosis depends on: haze, scars, breasts, nipples."""
    size = patient.x.shape[0]
    drawn = 0.045 * rng.uniform(0.2, 1.0) * _noise(rng, size, 3.0) + 0.020 * _noise(rng, size, 30.0)
    if rng.random() < 0.45:
        for side in (-1.0, 1.0):
            breast = np.hypot((patient.x - side * 0.44) / 0.36, (patient.y - 0.36) / 0.30)
            drawn += rng.uniform(0.08, 0.17) * _sigmoid((1.0 - breast) / 0.07)
    if rng.random() < 0.3:
        scar = patient.y - rng.uniform(-0.2, 0.4) - rng.uniform(-0.4, 0.4) * patient.x
        inside = _sigmoid((0.14 - np.abs(patient.x - rng.choice([-1.0, 1.0]) * 0.45)) / 0.03)
        drawn += 0.14 * np.exp(-((scar / 0.012) ** 2)) * inside
    if rng.random() < 0.3:
        blob = np.hypot(patient.x - rng.uniform(-0.6, 0.6), patient.y - rng.uniform(-0.4, 0.4))
        drawn += rng.uniform(0.10, 0.25) * np.exp(-((blob / rng.uniform(0.05, 0.12)) ** 2))
    return np.asarray(drawn)


def _body(rng: np.random.Generator, patient: _Patient) -> Plane:
    """Soft tissue without lungs: trunk, shoulders, neck; zero in the air around it."""
    x, y = patient.x, patient.y
    across = np.abs(x)
    shoulder = 1.35 * patient.width * np.sqrt(np.clip((y + 1.10) / 0.40, 0.0, 1.0))
    axilla = np.clip((y + 0.50) / 0.45, 0.0, 1.0)
    flank = patient.width * (1.34 - 0.26 * axilla * axilla * (3.0 - 2.0 * axilla)) + 0.05 * patient.habitus
    trunk_edge = np.maximum(np.minimum(shoulder, flank), 0.24)
    trunk = _sigmoid((trunk_edge - across) / 0.014)
    depth = np.sqrt(np.clip(1.0 - (across / (trunk_edge + 0.05)) ** 2, 0.0, 1.0))
    arm = _sigmoid((0.18 - np.abs(across - 1.24 * patient.width - 0.22 - 0.1 * y)) / 0.02)
    arm = arm * _sigmoid((y + 0.70) / 0.05)
    tissue = trunk * (0.48 + 0.38 * depth) + 0.36 * arm * (1.0 - trunk)
    return np.asarray(tissue * (0.86 + 0.14 * patient.habitus) * (1.0 + 0.02 * _noise(rng, x.shape[0], 5.0)))


def _attenuation(rng: np.random.Generator, patient: _Patient, diagnosis: str) -> Plane:
    right, left = _lungs(patient)
    lungs = np.maximum(right, left)
    heart = _heart(patient)
    air = lungs * (1.0 - 0.92 * heart)
    image = _body(rng, patient)
    image = image * (1.0 - rng.uniform(0.62, 0.74) * air) + 0.19 * heart * (1.0 - 0.4 * lungs)
    abdomen = _sigmoid((patient.y - patient.base + 0.04) / 0.05) * (1.0 - lungs)
    image += 0.16 * abdomen * _sigmoid((patient.width * 1.1 - np.abs(patient.x)) / 0.05)
    bubble = np.hypot((patient.x - 0.38) / rng.uniform(0.08, 0.17), (patient.y - patient.base - 0.19) / 0.08)
    image -= rng.uniform(0.0, 0.26) * _sigmoid((1.0 - bubble) / 0.12) * (1.0 - lungs)
    trachea = _sigmoid((0.036 - np.abs(patient.x + 0.01)) / 0.012) * _sigmoid((-0.18 - patient.y) / 0.03)
    image -= 0.15 * trachea
    image += _skeleton(rng, patient)
    image += rng.uniform(0.13, 0.23) * _vessels(rng, patient) * lungs
    image += _distractors(rng, patient) * (0.25 + 0.75 * lungs)
    # Faint findings are common, so that the classes overlap as they do in practice.
    severity = 0.45 + 0.95 * rng.beta(1.6, 1.7)
    if diagnosis in _FINDINGS:
        image += _FINDINGS[diagnosis](rng, patient, float(severity)) * air
    return image


def _devices(rng: np.random.Generator, patient: _Patient, image: Plane) -> None:
    """Adds ECG leads to some images; any diagnosis may carry them."""
    if rng.random() < 0.22:
        for _ in range(int(rng.integers(1, 4))):
            x0, y0 = rng.uniform(-0.6, 0.6), rng.uniform(-0.4, 0.5)
            bend, slope = rng.uniform(-0.5, 0.5), rng.uniform(-0.8, 0.8)
            wire = patient.x - x0 - slope * (patient.y - y0) - bend * (patient.y - y0) ** 2
            below = _sigmoid((patient.y - y0) / 0.01)
            image += 0.35 * np.exp(-((wire / 0.008) ** 2)) * below
            pad = np.hypot(patient.x - x0, patient.y - y0)
            image += 0.45 * _sigmoid((0.026 - pad) / 0.005)


def _stamp_marker(rng: np.random.Generator, pixels: Plane) -> None:
    scale = max(1, pixels.shape[0] // 110)
    glyph = np.array([[float(c) for c in row] for row in _MARKER_R]).repeat(scale, 0).repeat(scale, 1)
    top = int(pixels.shape[0] * rng.uniform(0.04, 0.14))
    left = int(pixels.shape[1] * rng.uniform(0.03, 0.09))
    window = pixels[top : top + glyph.shape[0], left : left + glyph.shape[1]]
    np.maximum(window, glyph * 0.95, out=window)


def _expose(rng: np.random.Generator, attenuation: Plane) -> NDArray[np.uint8]:
    size = attenuation.shape[0]
    blurred = _blur(attenuation, rng.uniform(0.45, 1.1) * size / 256)
    film = 1.0 - np.exp(-rng.uniform(1.25, 1.75) * np.clip(blurred, 0.0, None))
    low, high = np.quantile(film, (0.01, 0.995))
    film = np.clip((film - low) / (high - low + 1e-9), 0.0, 1.0) ** rng.uniform(0.85, 1.30)
    ramp = np.linspace(-0.5, 0.5, size)
    film = film * (1.0 + rng.normal(0.0, 0.06) * ramp[:, None] + rng.normal(0.0, 0.06) * ramp[None, :])
    film = rng.uniform(0.0, 0.05) + rng.uniform(0.80, 0.97) * film
    grain = rng.standard_normal((size, size))
    grain = 0.6 * grain + 0.8 * _blur(rng.standard_normal((size, size)), 0.8) / 0.5
    film = film + rng.uniform(0.010, 0.030) * grain * np.sqrt(0.25 + film)
    if rng.random() < 0.6:
        _stamp_marker(rng, film)
    return np.asarray(np.clip(np.rint(film * 255.0), 0, 255).astype(np.uint8))


def phantom(diagnosis: str, seed: int, size: int = 256) -> NDArray[np.uint8]:
    """Draws one grayscale image of the given diagnosis.

    The same arguments give the same image. Each seed is another patient.

    Args:
        diagnosis: One of `DIAGNOSES`.
        seed: Not negative.
        size: Width and height in pixels, `SIZE_MIN` to `SIZE_MAX`. The cost grows with its square.

    Returns:
        `[size, size]`, 0 (black) to 255.

    Raises:
        ValueError: An unknown diagnosis, or a seed or size out of range.
    """
    if diagnosis not in DIAGNOSES:
        raise ValueError(f"diagnosis: {diagnosis!r} is not one of {', '.join(DIAGNOSES)}")
    if seed < 0:
        raise ValueError(f"seed: {seed} is negative")
    if not SIZE_MIN <= size <= SIZE_MAX:
        raise ValueError(f"size: {size} is not between {SIZE_MIN} and {SIZE_MAX}")
    rng = np.random.default_rng([seed, DIAGNOSES.index(diagnosis)])
    patient = _make_patient(rng, size)
    attenuation = _attenuation(rng, patient, diagnosis)
    _devices(rng, patient, attenuation)
    return _expose(rng, attenuation)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encodes an 8-bit grayscale image as PNG (ISO/IEC 15948), with `NOTICE` as its description.

    Raises:
        ValueError: The array is not two-dimensional uint8, or is empty.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ValueError(
            f"pixels: want [height, width] of uint8, found {list(pixels.shape)} of {pixels.dtype}"
        )
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # Column 0 is each row's filter: none.
    rows[:, 1:] = pixels

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"tEXt", b"Description\x00" + NOTICE.encode("ascii")),
            chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)),
            chunk(b"IEND", b""),
        )
    )


def write_phantoms(folder: str | Path, count: int, seed: int = 0, size: int = 256) -> list[Path]:
    """Writes `count` PNG files, the diagnoses in turn, and `labels.csv` (file, label, seed).

    Existing files of the same names are replaced. The folder is made where it does not exist.

    Returns:
        The image files, in the order of the table.

    Raises:
        ValueError: A negative count or seed, or a size out of range.
        OSError: A file could not be written.
    """
    if count < 0:
        raise ValueError(f"count: {count} is negative")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with (target / "labels.csv").open("w", newline="", encoding="utf-8") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("file", "label", "seed"))
        for index in range(count):
            diagnosis = DIAGNOSES[index % len(DIAGNOSES)]
            path = target / f"phantom_{index:04d}.png"
            path.write_bytes(encode_png(phantom(diagnosis, seed + index, size)))
            rows.writerow((path.name, diagnosis, seed + index))
            files.append(path)
    return files

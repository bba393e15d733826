"""Surfaces without a defect: noise shaped in the frequency domain, as a material's parameters say.

A material is drawn once (a product has one), a texture of it as often as pictures are wanted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = 96  # pixels, height and width
FAMILIES = ("cast", "brushed", "woven", "grained", "rolled", "speckled")
Image = NDArray[np.float32]

FY, FX = np.meshgrid(np.fft.fftfreq(SIZE), np.fft.rfftfreq(SIZE), indexing="ij")
RADIUS = np.hypot(FX, FY)
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32)


@dataclass(frozen=True)
class Material:
    """What all pictures of one product share. Lengths in pixels, angles in radians, tones from 0 to 1."""

    family: str
    angle: float
    length: float
    roughness: float
    tone: float
    contrast: float


def material(rng: np.random.Generator) -> Material:
    """Draw a product."""
    family = FAMILIES[rng.integers(len(FAMILIES))]
    angle, length = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(2.5), np.log(12)))
    return Material(family, angle, length, rng.uniform(0.5, 1.4), rng.uniform(0.3, 0.7), rng.uniform(0.03, 0.14))


def smooth(picture: NDArray, sigma: float) -> Image:
    """Gaussian blur, the picture continued periodically."""
    spectrum = np.fft.rfft2(picture) * np.exp(-2 * (np.pi * sigma * RADIUS) ** 2)
    return np.fft.irfft2(spectrum, s=(SIZE, SIZE)).astype(np.float32)


def standard(picture: NDArray) -> Image:
    """Mean 0, deviation 1."""
    return ((picture - picture.mean()) / (picture.std() + 1e-9)).astype(np.float32)


def shaped(amplitude: NDArray, rng: np.random.Generator) -> Image:
    """White noise with the amplitudes given for each frequency."""
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE))) * amplitude
    spectrum[0, 0] = 0
    return standard(np.fft.irfft2(spectrum, s=(SIZE, SIZE)))


def texture(of: Material, rng: np.random.Generator) -> Image:
    """One picture of the material, mean 0 and deviation 1."""
    along = FX * np.cos(of.angle) + FY * np.sin(of.angle)
    across = FY * np.cos(of.angle) - FX * np.sin(of.angle)
    rough = shaped((RADIUS + 0.02) ** -of.roughness, rng)
    if of.family == "brushed":
        return shaped(np.exp(-((along * 4 * of.length) ** 2) - (across * 2) ** 2), rng)
    if of.family == "woven":
        return standard(woven(of, rng) + 0.4 * rough)
    if of.family == "grained":
        return standard(shaped(np.exp(-(((RADIUS - 1 / of.length) * 2 * of.length) ** 2)), rng) + 0.3 * rough)
    if of.family == "rolled":
        lines = shaped(np.exp(-((along * 60) ** 2) - (across * of.length / 2) ** 2), rng)
        return standard(lines + 0.8 * rough)
    if of.family == "speckled":
        points = (rng.random((SIZE, SIZE)) < 0.4 / of.length**2).astype(np.float32)
        return standard(smooth(points, of.length / 5) * of.length + 0.02 * rough)
    return rough


def woven(of: Material, rng: np.random.Generator) -> Image:
    """Two crossing threads, a little uneven."""
    uneven = 0.8 * shaped(np.exp(-((RADIUS * 16) ** 2)), rng)
    u = COLUMNS * np.cos(of.angle) + ROWS * np.sin(of.angle)
    v = ROWS * np.cos(of.angle) - COLUMNS * np.sin(of.angle)
    turn, shift = 2 * np.pi / of.length, rng.uniform(0, 2 * np.pi, 2)
    return np.sin(turn * u + shift[0] + uneven) * np.sin(turn * v + shift[1] + uneven)


def exposed(surface: Image, of: Material, rng: np.random.Generator) -> NDArray[np.uint8]:
    """What the camera makes of a surface: uneven light, blur, noise, eight bits."""
    picture = of.tone + of.contrast * surface
    direction, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    ramp = (COLUMNS * np.cos(direction) + ROWS * np.sin(direction)) / SIZE
    picture = picture * (1 + strength * (ramp - ramp.mean())) * rng.uniform(0.85, 1.15)
    picture = smooth(picture, rng.uniform(0, 0.9))
    picture += rng.uniform(0.002, 0.025) * rng.standard_normal(picture.shape)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)

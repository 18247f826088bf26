"""Writes nmr_goldens.json: noise-to-mask ratios for ../measure.rs from an independent implementation.

Follows ITU-R BS.1387-1, annex 2 (FFT-based ear model, basic version), formula by formula in dB and Bark: spreading is
summed band by band, without recursion. Needs numpy; nothing of the engine is used. Run in this folder:
python make_nmr_goldens.py
"""

import json

import numpy as np

from signals import signals

RATE, FRAME, HOP = 48_000, 2048, 1024
BINS = np.arange(FRAME // 2 + 1) * RATE / FRAME

# Bands, a quarter of a Bark each.
to_bark, to_hertz = lambda f: 7 * np.arcsinh(f / 650), lambda z: 650 * np.sinh(z / 7)
edges = np.arange(to_bark(80), to_bark(18_000), 0.25)
edges = np.append(edges, to_bark(18_000))
low, high = to_hertz(edges[:-1]), to_hertz(edges[1:])
centre = to_hertz((edges[:-1] + edges[1:]) / 2)
COUNT = len(centre)
below, above = BINS - RATE / FRAME / 2, BINS + RATE / FRAME / 2
overlap = np.minimum(high[:, None], above) - np.maximum(low[:, None], below)
GROUP = np.maximum(overlap, 0) / (RATE / FRAME)

# Outer and middle ear, noise of the ear, calibration to 92 dB.
khz = BINS[1:] / 1000
ear = np.concatenate([[0], 10 ** ((-2.184 * khz**-0.8 + 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) - 1e-3 * khz**3.6) / 20)])
internal = 10 ** (0.1456 * (centre / 1000) ** -0.8)
hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
# The largest bin of a full-scale sine of 1019.5 Hz, by its transform on a fine grid of phases.
sine = np.exp(2j * np.pi * 1019.5 / RATE * np.arange(FRAME))
largest = np.abs(np.fft.fft(hann * sine)).max() / 2
WINDOW = hann * 10 ** (92 / 20) / largest


def spread(energy):
    """Each band's energy over all bands, added at the power of 0.4."""
    level = 10 * np.log10(energy)
    upper_slope = -24 - 230 / centre + 0.2 * level
    bark = np.arange(COUNT) * 0.25
    distance = bark[None, :] - bark[:, None]
    db = np.where(distance < 0, 27 * distance, upper_slope[:, None] * distance)
    shares = 10 ** (db / 10)
    shares /= shares.sum(axis=1, keepdims=True)
    return ((energy[:, None] * shares) ** 0.4).sum(axis=0) ** 2.5


ONES = spread(np.ones(COUNT))
seconds = 0.008 + 100 / centre * (0.030 - 0.008)
DECAY = np.exp(-HOP / RATE / seconds)
offset = np.arange(COUNT) * 0.25
MASK = 10 ** (-np.where(offset <= 12, 3, 0.25 * offset) / 10)


def noise_to_mask(reference, other):
    smoothed, means, highest = np.zeros(COUNT), [], []
    for start in range(0, len(reference), HOP):
        def magnitudes(signal):
            part = np.zeros(FRAME)
            cut = signal[start : start + FRAME]
            part[: len(cut)] = cut
            return np.abs(np.fft.rfft(part * WINDOW)) * ear

        a, b = magnitudes(reference), magnitudes(other)
        energy = spread(GROUP @ a**2 + internal) / ONES
        smoothed = DECAY * smoothed + (1 - DECAY) * energy
        ratio = GROUP @ (a - b) ** 2 / (MASK * np.maximum(smoothed, energy))
        means.append(ratio.mean())
        highest.append(ratio.max())
    return {
        "total_db": 10 * np.log10(np.mean(means)),
        "disturbed_frames": np.mean(np.array(highest) > 10**0.15),
    }


if __name__ == "__main__":
    reference, other = signals(30_000, 1)
    # A burst, whose mask decays, with noise all along.
    burst = reference * (np.arange(30_000) % 15_000 < 5_000)
    goldens = {
        "noisy": noise_to_mask(reference, other),
        "closer": noise_to_mask(reference, reference + (other - reference) / 64),
        # Begins and ends at the reference's edges, here its first and its last loud sample.
        "burst": noise_to_mask(burst[:20_000], (burst + (other - reference) / 64)[:20_000]),
    }
    with open("nmr_goldens.json", "w") as file:
        json.dump(goldens, file, indent=1)
        file.write("\n")

"""Writes goldens.json: numbers for engine/tests/measure.rs from an independent implementation.

Needs numpy and scipy; nothing of the engine is used. Run in this folder: python make_goldens.py
"""

import json
from math import log

import numpy as np
from scipy.signal import get_window, lfilter

from signals import signals


def stft(x, fft, hop, window):
    weights = np.zeros(fft)
    offset = (fft - window) // 2
    weights[offset : offset + window] = get_window("hann", window, fftbins=True)
    padded = np.pad(x, fft // 2, mode="reflect")
    frames = 1 + len(x) // hop
    return np.abs([np.fft.rfft(padded[i * hop : i * hop + fft] * weights) for i in range(frames)])


def mel_filterbank(rate, fft, bands):
    """Slaney's scale and area normalisation, one sample of each triangle a bin."""

    def mel(hz):
        return hz * 3 / 200 if hz < 1000 else 15 + 27 * log(hz / 1000) / log(6.4)

    mels = np.linspace(0, mel(rate / 2), bands + 2)
    hz = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    bins = np.arange(fft // 2 + 1) * rate / fft
    return np.array(
        [np.interp(bins, hz[b : b + 3], [0, 2 / (hz[b + 2] - hz[b]), 0]) for b in range(bands)]
    )


def mel_distance(rate, x, y):
    total = 0
    for window, bands in zip([32, 64, 128, 256, 512, 1024, 2048], [5, 10, 20, 40, 80, 160, 320]):
        filters = mel_filterbank(rate, window, bands)
        a, b = (
            np.log10(np.maximum(stft(s, window, window // 4, window) @ filters.T, 1e-5))
            for s in (x, y)
        )
        total += np.mean(np.abs(a - b))
    return total


def stft_distance(x, y):
    convergence, magnitude = [], []
    for fft, hop, window in [(1024, 120, 600), (2048, 240, 1200), (512, 50, 240)]:
        a, b = (np.sqrt(np.maximum(stft(s, fft, hop, window) ** 2, 1e-7)) for s in (x, y))
        convergence.append(np.linalg.norm(a - b) / np.linalg.norm(a))
        magnitude.append(np.mean(np.abs(np.log(a) - np.log(b))))
    return np.mean(convergence), np.mean(magnitude)


def si_sdr(x, y):
    target = np.dot(x, y) / np.dot(x, x) * x
    return 10 * np.log10(np.sum(target**2) / np.sum((target - y) ** 2))


def integrated_loudness(channels):
    """ITU-R BS.1770-4 at 48 kHz, with the filter coefficients printed there."""
    energies = []
    for x in channels:
        x = lfilter(
            [1.53512485958697, -2.69169618940638, 1.19839281085285],
            [1.0, -1.69065929318241, 0.73248077421585],
            x,
        )
        x = lfilter([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621], x)
        starts = range(0, len(x) - 19200 + 1, 4800)
        energies.append([np.mean(x[s : s + 19200] ** 2) for s in starts])
    blocks = np.sum(energies, axis=0)
    loudness = lambda energy: -0.691 + 10 * np.log10(energy)
    blocks = blocks[loudness(blocks) > -70]
    return loudness(np.mean(blocks[loudness(blocks) > loudness(np.mean(blocks)) - 10]))


reference, other = signals(6000, 1)
short_reference, short_other = signals(700, 5)
# Half a second of signal, then much quieter: the relative gate has something to drop.
left, right = signals(72000, 9)
for channel in (left, right):
    channel[36000:] /= 64
convergence, magnitude = stft_distance(reference, other)
short_convergence, short_magnitude = stft_distance(short_reference, short_other)
goldens = {
    "rate": 24000,
    "mel_filterbank_16000_64_10": mel_filterbank(16000, 64, 10).round(9).tolist(),
    "stft_96_24_64": stft(reference[:100], 96, 24, 64).round(9).tolist(),
    "mel_distance": mel_distance(24000, reference, other),
    "spectral_convergence": convergence,
    "log_magnitude": magnitude,
    "si_sdr_db": si_sdr(reference, other),
    "short_mel_distance": mel_distance(24000, short_reference, short_other),
    "short_spectral_convergence": short_convergence,
    "short_log_magnitude": short_magnitude,
    "integrated_lufs_48000": integrated_loudness([left, right]),
}
with open("goldens.json", "w") as file:
    json.dump(goldens, file)
    file.write("\n")

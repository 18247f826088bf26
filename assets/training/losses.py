"""Training losses: waveform, compressed complex STFT, magnitudes, mel, loudness,
envelopes, level and edges.

All are taken at the clip's own level and returned per example: at a low depth the
phase is mostly lost, so waveform and complex STFT, whose best answer to that is to fade
out, count less there (see train.py).
"""

import numpy as np
import torch

from metrics import RATE, band_matrix, mel_matrix

SCALES = ((2048, 512), (1024, 256), (512, 128), (256, 64))
MELS = {2048: 80, 1024: 64, 512: 40, 256: 20}
POWER = 0.35          # magnitudes ** POWER: weak bands count, as they do for an ear
QUIETEST = 10 ** (-50 / 20)


class Losses:
    """Of the STFT scales the caller draws one or two a step: all cost more than the model."""

    def __init__(self, frame):
        self.frame = frame
        self.windows = {n: torch.hann_window(n) for n, _ in SCALES}
        self.mels = {n: torch.from_numpy(mel_matrix(n, MELS[n], RATE)).T for n, _ in SCALES}
        self.hearing = Hearing()

    def __call__(self, out, ref, scales):
        level = level_of(ref)
        out, ref = out / level, ref / level
        wave = (out - ref).pow(2).mean(1).add(1e-12).sqrt()
        level = torch.log10(out.pow(2).mean(1).sqrt() + 0.03) - torch.log10(ref.pow(2).mean(1).sqrt() + 0.03)
        phase = size = mel = 0.0
        for n, hop in (SCALES[i] for i in scales):
            p, s, m = spectral(spectrum(out, self.windows[n], hop), spectrum(ref, self.windows[n], hop), self.mels[n])
            phase, size, mel = phase + p / len(scales), size + s / len(scales), mel + m / len(scales)
        # Frames do not overlap: steps at their edges are the clicks to get rid of.
        step = (out - ref).diff(dim=1)[:, self.frame - 1:: self.frame]
        edge = step.pow(2).mean(1).add(1e-9).sqrt() / (ref.diff(dim=1).pow(2).mean(1).sqrt() + 0.02)
        loud, envelope = self.hearing(out, ref)
        return {"wave": wave, "edge": edge, "phase": phase, "size": size, "mel": mel, "level": level.abs(),
                "loud": loud, "envelope": envelope}


def level_of(ref):
    """A clip's own level, (B, 1)."""
    return ref.pow(2).mean(1, keepdim=True).sqrt().clamp(min=QUIETEST)


def spectrum(x, window, hop):
    """(B, samples) -> (B, frames, bins, 2)"""
    frames = x.unfold(1, len(window), hop) * window
    return torch.view_as_real(torch.fft.rfft(frames))


def spectral(a, b, mels):
    """Complex, magnitude and mel distance of two spectra, magnitudes compressed."""
    ma, mb = a.pow(2).sum(-1) + 1e-3, b.pow(2).sum(-1) + 1e-3
    la, lb = ma.log(), mb.log()
    ca, cb = (la * (POWER / 2)).exp(), (lb * (POWER / 2)).exp()
    ta, tb = (la * (POWER / 2 - 0.5)).exp(), (lb * (POWER / 2 - 0.5)).exp()
    turned = (a * ta[..., None] - b * tb[..., None]).pow(2).sum((1, 2, 3)) / ca[0].numel()
    scale = cb.pow(2).mean((1, 2)).sqrt()
    phase = turned.add(1e-9).sqrt() / scale
    size = (ca - cb).pow(2).mean((1, 2)).add(1e-9).sqrt() / scale
    la, lb = (torch.log10((m.sqrt() @ mels).clamp(min=0.05)) for m in (ma, mb))
    return phase, size, (la - lb).abs().mean((1, 2))


class Hearing:
    """What PESQ and STOI listen for, in a form with gradients.

    `loud`: loudness in half-Bark bands above the threshold in quiet, a clip's level taken
    as 70 dB SPL; differences below a quarter of the loudness are masked, and what was
    added counts more than what was lost. Summed as PESQ sums: 4.5 minus it is about its
    raw score.

    `envelope`: one minus the correlation of envelopes in third-octave bands over 0.4 s,
    as STOI has it. Steady sound has no envelope and counts nothing.
    """

    SIZE, HOP, SPAN = 640, 320, 29

    def __init__(self):
        f = np.arange(self.SIZE // 2 + 1) * RATE / self.SIZE
        bark = np.arange(0.5, 22.1, 0.5)
        edges = 1960 * (bark + 0.53) / (26.28 - bark)
        self.bark = torch.from_numpy(band_matrix(f, edges)).T
        k = edges[1:-1] / 1000
        quiet = 3.64 * k ** -0.8 - 6.5 * np.exp(-0.6 * (k - 3.3) ** 2) + 1e-3 * k ** 4
        self.quiet = torch.tensor(10 ** (quiet / 10), dtype=torch.float32)
        centre = 150 * 2 ** (np.arange(15) / 3)
        thirds = (f >= centre[:, None] * 2 ** (-1 / 6)) & (f < centre[:, None] * 2 ** (1 / 6))
        self.thirds = torch.from_numpy(thirds.astype(np.float32)).T
        self.window = torch.hann_window(self.SIZE)
        # Of a clip of power 1, what the bins add up to: 70 dB.
        self.scale = 1e7 * 2 / (self.SIZE * float(self.window.pow(2).sum()))

    def __call__(self, out, ref):
        a, b = (spectrum(x, self.window, self.HOP).pow(2).sum(-1) for x in (out, ref))
        return self.loudness(a, b), self.envelopes(a, b)

    def loudness(self, a, b):
        a, b = a @ self.bark * self.scale, b @ self.bark * self.scale
        gain = 0.187 * (self.quiet / 0.5) ** 0.23
        la, lb = (gain * ((0.5 + 0.5 * p / self.quiet) ** 0.23 - 1) for p in (a, b))
        heard = ((la - lb).abs() - 0.25 * torch.minimum(la, lb)).clamp(min=0)
        more = ((a + 50) / (b + 50)).clamp(max=8) ** 1.2
        more = torch.where(more < 3, 0.0, more.clamp(max=12))
        both = 15 * heard.pow(2).mean(2).add(1e-4).sqrt().clamp(max=45)
        added = (21 * (heard * more).mean(2)).clamp(max=90)
        return 0.1 * both.pow(2).mean(1).sqrt() + 0.0309 * added.pow(2).mean(1).add(1e-4).sqrt()

    def envelopes(self, a, b):
        a, b = ((x @ self.thirds + 1e-4).sqrt().unfold(1, self.SPAN, 4) for x in (a, b))    # (B, spans, bands, SPAN)
        a = a * (b.pow(2).sum(-1, keepdim=True) / a.pow(2).sum(-1, keepdim=True)).sqrt()
        a = torch.minimum(a, b * (1 + 10 ** (15 / 20)))
        a, b = a - a.mean(-1, keepdim=True), b - b.mean(-1, keepdim=True)
        power = b.pow(2).sum(-1)
        same = (a * b).sum(-1) / (a.pow(2).sum(-1) * power + 1e-6).sqrt()
        # Spans 40 dB below the clip's loudest are pauses.
        energy = power.sum(2, keepdim=True)
        weight = power / (power + 0.02) * (energy > 1e-4 * energy.amax(1, keepdim=True))
        return ((1 - same) * weight).mean((1, 2))

"""Training losses: waveform, compressed complex STFT, magnitudes, mel, level and edges.

All are taken at the clip's own level and returned per example: at a low depth the
phase is mostly lost, so waveform and complex STFT, whose best answer to that is to fade
out, count less there (see train.py).
"""

import torch

from metrics import RATE, mel_matrix

SCALES = ((2048, 512), (1024, 256), (512, 128), (256, 64), (128, 32))
MELS = {2048: 80, 1024: 64, 512: 40, 256: 20, 128: 10}
POWER = 0.35          # magnitudes ** POWER: weak bands count, as they do for an ear
QUIETEST = 10 ** (-50 / 20)


class Losses:
    """Two STFT scales a step, drawn by the caller: all five cost more than the model."""

    def __init__(self, frame, device="cpu"):
        self.frame = frame
        self.windows = {n: torch.hann_window(n, device=device) for n, _ in SCALES}
        self.mels = {n: torch.from_numpy(mel_matrix(n, MELS[n], RATE)).to(device) for n, _ in SCALES}

    def __call__(self, out, ref, scales):
        level = ref.pow(2).mean(1, keepdim=True).sqrt().clamp(min=QUIETEST)
        out, ref = out / level, ref / level
        wave = (out - ref).pow(2).mean(1).add(1e-12).sqrt()
        loud = torch.log10(out.pow(2).mean(1).sqrt() + 0.03) - torch.log10(ref.pow(2).mean(1).sqrt() + 0.03)
        phase = size = mel = 0.0
        for n, hop in (SCALES[i] for i in scales):
            a, b = (torch.view_as_real(torch.stft(x, n, hop, window=self.windows[n], center=False,
                                                  return_complex=True)) for x in (out, ref))
            ma, mb = (s.pow(2).sum(-1) + 1e-3 for s in (a, b))
            ca, cb = ma.pow(POWER / 2), mb.pow(POWER / 2)
            turned = (a * (ca / ma.sqrt())[..., None] - b * (cb / mb.sqrt())[..., None]).pow(2).sum(-1)
            scale = cb.pow(2).mean((1, 2)).sqrt()
            phase = phase + turned.mean((1, 2)).add(1e-9).sqrt() / scale
            size = size + (ca - cb).pow(2).mean((1, 2)).add(1e-9).sqrt() / scale
            la, lb = (torch.log10((self.mels[n] @ m.sqrt()).clamp(min=0.05)) for m in (ma, mb))
            mel = mel + (la - lb).abs().mean((1, 2))
        # Patches do not overlap: steps at their edges are the clicks to get rid of.
        step = (out - ref).diff(dim=1)[:, self.frame - 1:: self.frame]
        edge = step.pow(2).mean(1).add(1e-9).sqrt() / (ref.diff(dim=1).pow(2).mean(1).sqrt() + 0.02)
        n = len(scales)
        return {"wave": wave, "edge": edge, "phase": phase / n, "size": size / n, "mel": mel / n, "loud": loud.abs()}

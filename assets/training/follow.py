"""Codebooks that follow an encoder that learns.

The quantizer's bases stay as fitted. Every row moves to the mean of what picked it of late
(k-means as it goes), so that codes stay good for what the encoder makes of the sound, and
the last code dimension is completed anew: all rows keep one length. The
first row stays zero, silence stays silence.
"""

import numpy as np
import torch
import torch.distributed as dist

from model import complete

BLOCK = 120           # frames at a time: their distances to a codebook's rows stay in the cache


class Follower:
    @torch.no_grad()
    def __init__(self, quantizer, decay=0.99, prior=10.0):
        layers = quantizer.quantizers
        self.input, self.output, self.layers, self.decay = quantizer.input_proj, quantizer.output_proj, layers, decay
        self.basis = [layer.in_proj.weight[..., 0].T.contiguous() for layer in layers]
        self.offset = [layer.in_proj.bias.clone() for layer in layers]
        self.back = [layer.out_proj.weight[..., 0].T.contiguous() for layer in layers]
        self.bias = [layer.out_proj.bias.clone() for layer in layers]
        self.rows = torch.stack([layer.codebook.weight for layer in layers])
        self.length = self.rows.norm(dim=-1)
        self.count = torch.full(self.rows.shape[:2], prior)
        self.total = self.rows[..., :-1] * prior
        self.fresh = torch.zeros(*self.rows.shape[:2], self.rows.shape[2])      # sums of points, and how many

    def state(self):
        return {"count": self.count, "total": self.total}

    def resume(self, state):
        self.count.copy_(state["count"])
        self.total.copy_(state["total"])

    @torch.no_grad()
    def quantize(self, latent, depths):
        """(N, dim), (N) -> sums of `depths` layers and of all, both (N, dim); learns the points."""
        part, whole = torch.zeros_like(latent), torch.zeros_like(latent)
        across = [np.ascontiguousarray((rows / rows.norm(dim=1, keepdim=True)).T.numpy()) for rows in self.rows]
        for at in range(0, len(latent), BLOCK):
            cut = slice(at, at + BLOCK)
            left = latent[cut].clone()
            for k, basis in enumerate(self.basis):
                points = left @ basis + self.offset[k]
                codes = torch.from_numpy((points.numpy() @ across[k]).argmax(1))
                value = self.rows[k][codes] @ self.back[k] + self.bias[k]
                left -= value
                part[cut] += value * (depths[cut, None] > k)
                points[:, -1] = 1.0
                self.fresh[k].index_add_(0, codes, points)
            whole[cut] = latent[cut] - left
        return part, whole

    def __call__(self, z, depths):
        """(B, dim, frames), (B) -> what the decoder gets, its gradient going straight to the
        encoder, and how far the latent is from its codes, relative to its size, (B)."""
        latent = self.input(z)
        b, dim, t = latent.shape
        flat = latent.detach().transpose(1, 2).reshape(b * t, dim)
        part, whole = (q.view(b, t, dim).transpose(1, 2)
                       for q in self.quantize(flat, depths.repeat_interleave(t)))
        size = latent.detach().pow(2).mean((1, 2))
        # The last dimension counts layers and is nothing of the encoder's.
        apart = (latent - whole)[:, :-1].pow(2).mean((1, 2)) / (size + 0.01 * size.mean())
        return self.output(part + latent - latent.detach()), apart

    def forget(self):
        """Instead, of a step that was not."""
        self.fresh.zero_()

    @torch.no_grad()
    def follow(self):
        """Once a step that was made, on all processes."""
        if dist.is_initialized():
            dist.all_reduce(self.fresh)
        self.count.mul_(self.decay).add_(self.fresh[..., -1], alpha=1 - self.decay)
        self.total.mul_(self.decay).add_(self.fresh[..., :-1], alpha=1 - self.decay)
        self.fresh.zero_()
        alive = (self.count > 1e-3)[..., None]
        rest = torch.where(alive, self.total / self.count[..., None], self.rows[..., :-1])
        rest[:, 0] = 0.0
        self.rows = complete(torch.cat((rest, self.rows[..., -1:]), -1), self.length)
        for layer, rows in zip(self.layers, self.rows):
            layer.codebook.weight.copy_(rows)

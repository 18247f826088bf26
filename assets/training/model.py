"""The Cat codec layout in plain PyTorch: offline, for fitting and training.

Module and parameter names are those of the published second-generation checkpoints
(v2, Nano), so `state_dict()` is the checkpoint and nothing is renamed at export.
Causal windows count frames: a query sees itself and the `context - 1` before it.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm

SAMPLE_RATE = 24000


def _stage(inp, out, width, layers, context):
    return {
        "module_type": "Transformer", "input_dimension": inp, "output_dimension": out,
        "d_model": width, "num_heads": width // 64, "num_layers": layers,
        "dim_feedforward": 4 * width, "causal": True, "context_duration": context,
        "conv_layout": True, "gating": "none", "layer_scale": 1.0, "max_period": 10000,
        "norm": "layer_norm", "positional_embedding": "rope",
    }


def default_config(frame=240, rvq=256, code_dim=8, encoder_layers=1, decoder_layers=4, context=1.5, quantizers=32):
    """One stage each way, at the frame rate: a light encoder and a heavier decoder.

    `frame`: samples of a frame, one column of codes, and the codec's latency.

    No stage has equal outer and inner sizes, so whether a loader treats an equal-size
    projection as an identity never matters.
    """
    width = (frame // 64 + 1) * 64
    rvq = min(rvq, frame * 4 // 5)
    latent = rvq + 16 if rvq + 16 != width else rvq + 8
    patch = {"module_type": "PatchedPretransform", "patch_size": frame}
    return {
        "architectures": ["MossAudioTokenizerModel"], "model_type": "moss-audio-tokenizer",
        "sample_rate": SAMPLE_RATE, "sampling_rate": SAMPLE_RATE, "downsample_rate": frame,
        "number_channels": 1, "enable_channel_interleave": False,
        "causal_transformer_context_duration": context,
        "attention_implementation": "sdpa", "compute_dtype": "fp32", "dtype": "bfloat16",
        "code_dim": latent,
        "encoder_kwargs": [patch, _stage(frame, latent, width, encoder_layers, context)],
        "decoder_kwargs": [_stage(latent, frame, width, decoder_layers, context), patch],
        "quantizer_type": "rlfq",
        "quantizer_kwargs": {
            "quantizer_type": "rlfq", "input_dim": latent, "rvq_dim": rvq, "output_dim": latent,
            "num_quantizers": quantizers, "codebook_size": 1024, "codebook_dim": code_dim,
            "quantizer_dropout": 1.0, "commitment_loss_weight": 0.25, "codebook_loss_weight": 1.0,
        },
    }


class Patch(nn.Module):
    """(B, D, T*h) <-> (B, D*h, T), channel d*h + j for sample j of the patch."""

    def __init__(self, size, down):
        super().__init__()
        self.size, self.down = size, down

    def forward(self, x):
        b, d, t = x.shape
        h = self.size
        if self.down:
            return x.reshape(b, d, t // h, h).transpose(2, 3).reshape(b, d * h, t // h)
        return x.reshape(b, d // h, h, t).transpose(2, 3).reshape(b, d // h, t * h)


class LayerScale(nn.Module):
    def __init__(self, dim, init):
        super().__init__()
        self.scale = nn.Parameter(torch.full((dim,), init))

    def forward(self, x):
        return self.scale * x


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(dim, 3 * dim, bias=False)
        self.out_proj = nn.Linear(dim, dim, bias=False)

    def forward(self, x, rope, mask):
        b, t, d = x.shape
        q, k, v = self.in_proj(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, rope), rotate(k, rope)
        # Written out: for pieces this short the decoder trains in two thirds of the time of the fused one.
        y = (q @ k.transpose(-1, -2) * (d // self.heads) ** -0.5 + mask).softmax(-1).to(v.dtype) @ v
        return self.out_proj(y.transpose(1, 2).reshape(b, t, d))


def rotate(x, rope):
    """Interleaved pairs (2i, 2i+1) turn by position * frequency i."""
    cos, sin = rope
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, dim, heads, feedforward, scale):
        super().__init__()
        self.self_attn = Attention(dim, heads)
        self.norm1 = nn.LayerNorm(dim, eps=1e-5)
        self.norm2 = nn.LayerNorm(dim, eps=1e-5)
        self.ffn = nn.Sequential(nn.Linear(dim, feedforward, bias=False), nn.GELU(),
                                 nn.Linear(feedforward, dim, bias=False))
        self.layer_scale_1 = LayerScale(dim, scale)
        self.layer_scale_2 = LayerScale(dim, scale)

    def forward(self, x, rope, mask):
        x = x + self.layer_scale_1(self.self_attn(self.norm1(x), rope, mask))
        return x + self.layer_scale_2(self.ffn(self.norm2(x)))


class Transformer(nn.Module):
    def __init__(self, c, context):
        super().__init__()
        self.head, self.period, self.context = c["d_model"] // c["num_heads"], c["max_period"], context
        self.layers = nn.ModuleList(
            Layer(c["d_model"], c["num_heads"], c["dim_feedforward"], c["layer_scale"])
            for _ in range(c["num_layers"]))

    def forward(self, x):
        t = x.shape[1]
        at = torch.arange(t, dtype=torch.float32, device=x.device)
        f = torch.exp(torch.arange(self.head // 2, device=x.device) * (-2 * math.log(self.period) / self.head))
        angle = at[:, None] * f
        lag = at[:, None] - at[None]
        mask = torch.where((lag >= 0) & (lag < self.context), 0.0, float("-inf"))
        for layer in self.layers:
            x = layer(x, (angle.cos(), angle.sin()), mask)
        return x


class Stage(nn.Module):
    def __init__(self, c, rate):
        super().__init__()
        self.input_proj = nn.Linear(c["input_dimension"], c["d_model"], bias=False)
        self.transformer = Transformer(c, int(rate * c["context_duration"]))
        self.output_proj = nn.Linear(c["d_model"], c["output_dimension"], bias=False)

    def forward(self, x):
        return self.output_proj(self.transformer(self.input_proj(x.transpose(1, 2)))).transpose(1, 2)


def pointwise(i, o):
    return weight_norm(nn.Conv1d(i, o, 1))


class Codebook(nn.Module):
    """One rlfq layer: nearest row by direction, the row itself as the value."""

    def __init__(self, dim, size, code_dim):
        super().__init__()
        self.in_proj = pointwise(dim, code_dim)
        self.out_proj = pointwise(code_dim, dim)
        self.codebook = nn.Embedding(size, code_dim)

    def pick(self, residual):
        z = F.normalize(self.in_proj(residual), dim=1)
        rows = F.normalize(self.codebook.weight, dim=1)
        return torch.einsum("bdt,nd->btn", z, rows).argmax(-1)

    def value(self, codes):
        return self.out_proj(self.codebook(codes).transpose(1, 2))


def complete(rows, length):
    """Rows (..., D) with the last dimension such that all have the length `length` (...): the
    nearest direction is then the nearest row."""
    rest = rows[..., :-1]
    rest = rest * (0.99 * length[..., None] / rest.norm(dim=-1, keepdim=True).clamp(min=1e-9)).clamp(max=1)
    return torch.cat((rest, (length ** 2 - rest.pow(2).sum(-1)).sqrt()[..., None]), -1)


class Quantizer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_proj = pointwise(c["input_dim"], c["rvq_dim"])
        self.output_proj = pointwise(c["rvq_dim"], c["output_dim"])
        self.quantizers = nn.ModuleList(
            Codebook(c["rvq_dim"], c["codebook_size"], c["codebook_dim"]) for _ in range(c["num_quantizers"]))

    def encode(self, z, depth=None):
        residual, codes = self.input_proj(z), []
        for q in self.quantizers[:depth]:
            codes.append(q.pick(residual))
            residual = residual - q.value(codes[-1])
        return torch.stack(codes)

    def decode(self, codes):
        return self.output_proj(sum(q.value(c) for q, c in zip(self.quantizers, codes)))

    def decode_mixed(self, codes, depths):
        """Every example of the batch at its own depth."""
        total = 0
        for k, (q, c) in enumerate(zip(self.quantizers, codes)):
            total = total + q.value(c) * (depths > k).float()[:, None, None]
        return self.output_proj(total)


class Codec(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.frame = config["downsample_rate"]
        rate = float(config["sampling_rate"])
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for c in config["encoder_kwargs"]:
            if c["module_type"] == "Transformer":
                self.encoder.append(Stage(c, rate))
            else:
                self.encoder.append(Patch(c["patch_size"], True))
                rate /= c["patch_size"]
        self.quantizer = Quantizer(config["quantizer_kwargs"])
        for c in config["decoder_kwargs"]:
            if c["module_type"] == "Transformer":
                self.decoder.append(Stage(c, rate))
            else:
                self.decoder.append(Patch(c["patch_size"], False))
                rate *= c["patch_size"]

    def analyse(self, x):
        for m in self.encoder:
            x = m(x)
        return x

    def synthesise(self, z):
        for m in self.decoder:
            z = m(z)
        return z

    def encode(self, audio, depth=None):
        """(B, 1, samples) -> (depth, B, frames); zero-padded to whole frames."""
        audio = F.pad(audio, (0, -audio.shape[-1] % self.frame))
        return self.quantizer.encode(self.analyse(audio), depth)

    def decode(self, codes):
        return self.synthesise(self.quantizer.decode(codes))


def load(folder):
    from safetensors.torch import load_file
    folder = Path(folder)
    model = Codec(json.loads((folder / "config.json").read_text()))
    model.load_state_dict({k: v.float() for k, v in load_file(str(folder / "model.safetensors")).items()})
    return model.eval()

"""Initial model: a perceptually weighted transform coder and a quantizer fitted to data.

Encoder: each frame goes through an orthonormal DCT whose rows are scaled by an
inverse power of the average spectrum, so that equal noise in the latent becomes noise
that follows the spectrum in the sound. One feed-forward branch then adds a multiple
of the layer-normed frame to the frame: that raises quiet frames towards loud ones
(GELU(u) - GELU(-u) = u makes the branch exactly linear behind the norm). A data-fitted
PCA follows. Decoder: the transposes, and the companding undone by branches that
subtract. All other branches start at zero.

Quantizer: layer by layer, PCA of the residual to 7 dimensions and k-means. An rlfq layer
picks by direction only, so the 8th code dimension is a constant in the projection and
completes every row to the same length: the nearest direction is then the nearest point,
and amplitude is carried. Every codebook has a zero row: silence stays silence.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")     # nearest() brings its own threads; BLAS's would spin

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from scipy.fft import dct
from scipy.optimize import minimize

from data import Sampler
from export import export
from model import Codec, complete, default_config

EPS = 1e-5        # of the layer norms: below this power they stop normalising
STREAM = 2.0 ** -8  # layer scale of the stages, whose stream is about sqrt(EPS)
SPARE = 2.0       # row length in units of the largest row: larger is closer to Euclidean, smaller resolves better in f32


def perceptual_weights(patches, power, floor_db=-75.0):
    """1 / (long-term spectrum ** power), from patches brought to one level first."""
    spectrum = np.sqrt((dct(patches, norm="ortho") ** 2).mean(0))
    kernel = np.hanning(23)[1:-1]
    padded = np.pad(spectrum, 10, mode="edge")
    spectrum = np.convolve(padded, kernel / kernel.sum(), "valid")
    spectrum = np.maximum(spectrum / spectrum.max(), 10 ** (floor_db / 20))
    return spectrum ** -power


def undo_companding(amount, layers):
    """Multiples b_i and scale t of `layers` subtracting branches that invert the adding one."""
    level = 10 ** np.linspace(-3.0, 0.3, 200) * EPS ** 0.5 * 10
    raised = level + amount * level / np.sqrt(level ** 2 + EPS)
    weight = np.clip(np.log10(level / level.min()), 0.2, 1)

    def undo(p):
        x = raised * np.exp(p[0])
        for b in np.exp(p[1:]):
            x = x - b * x / np.sqrt(x ** 2 + EPS)
        return x * np.exp(-p[0])

    def loss(p):
        x = undo(p)
        return float((weight * np.log(np.maximum(x, 1e-3 * level) / level) ** 2).mean())

    # From the outermost slope inwards; several starts, the surface has poor valleys.
    tries = [minimize(loss, [s, *[np.log(f * EPS ** 0.5)] * layers], method="Powell", options={"maxiter": 200})
             for s in (-1.0, 0.0, 1.0) for f in (0.2, 0.5, 0.8)]
    best = min(tries, key=lambda r: r.fun)
    return np.exp(best.x[0]), np.exp(best.x[1:]), best.fun ** 0.5


def linear_branch(layer, amount):
    """Make a feed-forward branch `amount` times the normed input."""
    amount = amount / float(layer.layer_scale_2.scale[0])
    d = layer.norm2.weight.shape[0]
    up, down = layer.ffn[0].weight, layer.ffn[2].weight
    up[:d], up[d: 2 * d] = torch.eye(d), -torch.eye(d)
    down[:, :d], down[:, d: 2 * d] = amount * torch.eye(d), -amount * torch.eye(d)


def silence(layer):
    """Both branches add nothing yet, at the size of the stream."""
    layer.layer_scale_1.scale.fill_(STREAM)
    layer.layer_scale_2.scale.fill_(STREAM)
    layer.self_attn.out_proj.weight.zero_()
    layer.ffn[2].weight.zero_()


def leading(rows, cols):
    return torch.eye(max(rows, cols))[:rows, :cols]


@torch.no_grad()
def condition(model, layers, audio):
    """Fit norms and layer scales of `layers` to what flows there; computes the same.

    Channels hold coefficients whose sizes differ by 60 dB. Norm gains make them alike
    for the branches' weights, layer scales bring the branches' outputs back to each
    channel's size: one learning rate then suits all. Powers of two are exact in bf16.
    """
    def power_of_two(x):
        return torch.exp2(torch.log2(x).round())

    def observe(norm, scale, found):
        def hook(_, args):
            x = args[0].flatten(0, 1)
            u = (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + EPS).sqrt()
            found.append((norm, scale, x.pow(2).mean(0).sqrt(), u.pow(2).mean(0).sqrt()))
        return norm.register_forward_pre_hook(hook)

    found, hooks = [], []
    for layer in layers:
        hooks.append(observe(layer.norm1, layer.layer_scale_1, found))
        hooks.append(observe(layer.norm2, layer.layer_scale_2, found))
    model.decode(model.encode(audio[:, None]))
    for hook in hooks:
        hook.remove()
    branch = {id(layer.norm2): layer.ffn[2].weight for layer in layers}
    for norm, scale, size, normed in found:
        gain = power_of_two(1 / normed.clamp(min=0.02 * normed.max()))
        out = power_of_two(0.25 * size.clamp(min=0.005 * size.max()))
        if id(norm) in branch:
            # A linear branch is diagonal twice: one factor per output row keeps it the same.
            branch[id(norm)].mul_((scale.scale * norm.weight / (out * gain))[:, None])
        norm.weight.copy_(gain)
        scale.scale.copy_(out)


def set_pointwise(conv, weight, bias=None):
    """Weight norm keeps a length and a direction; a zero row needs some direction."""
    length = weight.norm(dim=1, keepdim=True)
    direction = torch.where(length > 0, weight, leading(*weight.shape).roll(1, 0) + 1e-3)
    conv.parametrizations.weight.original0.copy_(length[..., None])
    conv.parametrizations.weight.original1.copy_(direction[..., None])
    conv.bias.zero_() if bias is None else conv.bias.copy_(bias)


def kmeans(x, k, rounds, generator, sample=100000):
    """Lloyd's rounds on random subsets, the last two on everything: fits as well, costs less."""
    rows = x[torch.randperm(len(x), generator=generator)[:k]].clone()
    for r in range(rounds):
        part = x
        if len(x) > sample and r < rounds - 2:
            part = x[torch.randint(len(x), (sample,), generator=generator)]
        codes = nearest(part, rows)
        count = torch.bincount(codes, minlength=k).float()
        total = torch.zeros_like(rows).index_add_(0, codes, part)
        rows = torch.where(count[:, None] > 0, total / count[:, None].clamp(min=1), rows)
        empty = (count == 0).nonzero()[:, 0]
        rows[empty] = x[torch.randint(len(x), (len(empty),), generator=generator)]
    return rows


POOL = ThreadPoolExecutor(os.cpu_count())


def nearest(x, rows):
    """Index of the nearest row; in blocks that stay in cache, on all cores."""
    x, rows = x.numpy(), rows.numpy()
    # The last column subtracts half of each row's square, so that the product is the score.
    across = np.ascontiguousarray(np.concatenate((rows, -(rows ** 2).sum(1, keepdims=True) / 2), 1).T)
    codes = np.empty(len(x), np.int64)

    def part(first, end):
        score = np.empty((128, len(rows)), np.float32)
        points = np.ones((128, x.shape[1] + 1), np.float32)
        for at in range(first, end, 128):
            n = min(128, end - at)
            points[:n, :-1] = x[at: at + n]
            np.matmul(points[:n], across, out=score[:n])
            codes[at: at + n] = score[:n].argmax(1)

    edges = np.linspace(0, len(x), POOL._max_workers + 1).astype(int)
    list(POOL.map(part, edges[:-1], edges[1:]))
    return torch.from_numpy(codes)


@torch.no_grad()
def fit_quantizer(quantizer, latents, rounds, seed=0, wide=0):
    """latents: (N, rvq_dim), already behind the input projection."""
    generator = torch.Generator().manual_seed(seed)
    residual, start = latents.clone(), latents.pow(2).mean()
    left = []
    most = quantizer.quantizers[0].codebook.weight.shape[1] - 1
    for k, q in enumerate(quantizer.quantizers):
        dims = most if k < wide else 7
        part = residual[torch.randint(len(residual), (100000,), generator=generator)]
        _, basis = torch.linalg.eigh(part.T @ part / len(part))
        basis = basis[:, -dims:].flip(1)
        points = residual @ basis
        rows = kmeans(points, len(q.codebook.weight), rounds, generator)
        # Zero comes first: rows too small for f32 to tell from it then lose the tie.
        smallest = rows.pow(2).sum(1).argmin()
        rows[smallest] = rows[0]
        rows[0] = 0.0
        length = SPARE * rows.norm(dim=1).max()
        rest = most - dims
        spare = torch.zeros(len(rows), rest + 1)
        q.codebook.weight.copy_(complete(torch.cat((rows, spare), 1), length.expand(len(rows))))
        set_pointwise(q.in_proj, torch.cat((basis.T, torch.zeros(1 + rest, basis.shape[0]))),
                      torch.cat((torch.zeros(most), length[None])))
        set_pointwise(q.out_proj, torch.cat((basis, torch.zeros(basis.shape[0], 1 + rest)), 1))
        residual -= rows[nearest(points, rows)] @ basis.T
        left.append((residual.pow(2).mean() / start).item())
    return left


@torch.no_grad()
def count_depth(model):
    """Let the decoder know how many layers it got, within the published layout.

    The quantizer's last dimension carries the least energy. No layer reads it any more,
    every layer's output bias adds 1/16 to it, and it arrives in the decoder's last channel.
    """
    q, stage = model.quantizer, model.decoder[0]
    last = q.input_proj.bias.shape[0] - 1
    def without(conv, rows=None, columns=None):
        weight = conv.weight[..., 0].clone()
        if rows is not None:
            weight[rows] = 0
        if columns is not None:
            weight[:, columns] = 0
        set_pointwise(conv, weight, conv.bias.clone())
    without(q.input_proj, rows=last)
    for layer in q.quantizers:
        without(layer.in_proj, columns=last)
        without(layer.out_proj, rows=last)
        layer.out_proj.bias.zero_()
        layer.out_proj.bias[last] = 1 / 16
    stage.input_proj.weight[:, last] = 0
    stage.input_proj.weight[-1] = 0
    stage.input_proj.weight[-1, last] = 2.0 ** -14      # too little for the layer norms to notice
    stage.output_proj.weight[:, -1] = 0


@torch.no_grad()
def build(config, sampler, power, amount, knee_db, frames, rounds, wide=0, verbose=True):
    model = Codec(config)
    frame, coder, decoder, quantizer = model.frame, model.encoder[1], model.decoder[0], model.quantizer
    for stage in (coder, decoder):
        for layer in stage.transformer.layers:
            silence(layer)

    piece = 24000 // frame * frame
    audio = sampler.pieces(frames * frame // piece, piece)
    loud = audio[audio.pow(2).mean(1) > 1e-6]
    even = (loud / loud.pow(2).mean(1, keepdim=True).sqrt()).reshape(-1, frame).numpy()
    weights = perceptual_weights(even, power)
    coefficients = torch.tensor(dct(np.eye(frame), norm="ortho", axis=0), dtype=torch.float32)

    # Scale the stream so that the knee of the companding sits at `knee_db` of real material.
    width = coder.input_proj.weight.shape[0]
    typical = np.sqrt(((dct(even, norm="ortho") * weights) ** 2).sum(1).mean() / width)
    weights = torch.tensor(weights * EPS ** 0.5 / (typical * 10 ** (knee_db / 20)), dtype=torch.float32)

    coder.input_proj.weight.copy_(leading(width, frame) @ (weights[:, None] * coefficients))
    coder.output_proj.weight.zero_()
    scale = 1.0
    if amount > 0:
        layers = decoder.transformer.layers
        scale, parts, error = undo_companding(amount * EPS ** 0.5, len(layers))
        linear_branch(coder.transformer.layers[0], amount * EPS ** 0.5)
        for layer, b in zip(layers, parts):
            linear_branch(layer, -b)
        if verbose:
            print(f"companding undone within {8.686 * error:.2f} dB rms, scale {scale:.3f}, parts {parts}")
    decoder.output_proj.weight.copy_((coefficients.T / weights / scale) @ leading(frame, width))

    # Unit power in the latent: everything behind it then has plain scales.
    def companded(x):
        stream = coder.input_proj(model.encoder[0](x[:, None]).transpose(1, 2))
        return coder.transformer(stream).flatten(0, 1)[:, :frame]
    z = torch.cat([companded(x) for x in audio.split(64)])
    values, basis = torch.linalg.eigh(z.T @ z / len(z))
    order = values.argsort(descending=True)
    values, basis = values[order], basis[:, order]
    unit = float(1 / values[:16].mean().sqrt())
    dim = quantizer.input_proj.bias.shape[0]
    coder.output_proj.weight[:dim, :frame] = unit * basis[:, :dim].T
    decoder.input_proj.weight.zero_()
    decoder.input_proj.weight[:frame, :dim] = scale / unit * basis[:, :dim]
    latent = coder.output_proj.weight.shape[0]
    set_pointwise(quantizer.input_proj, leading(dim, latent))
    set_pointwise(quantizer.output_proj, leading(latent, dim))
    latents = unit * z @ basis[:, :dim]
    del z
    left = fit_quantizer(quantizer, latents, rounds, wide=wide)
    if verbose:
        print("energy kept %.4f; residual after layers 1 4 8 16 32: %s" % (
            values[:dim].sum() / values.sum(), [round(left[k - 1], 3) for k in (1, 4, 8, 16, 32) if k <= len(left)]))
    # Room for material louder than most of what was fitted: exact, being a power of two.
    coder.input_proj.weight.mul_(0.5)
    decoder.output_proj.weight.mul_(2.0)
    count_depth(model)
    condition(model, decoder.transformer.layers, audio[:200])
    return model.eval()


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--data", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--frame", type=int, default=240, help="samples of a frame, at 24 kHz")
    ap.add_argument("--power", type=float, default=0.2, help="exponent of the perceptual weights")
    ap.add_argument("--companding", type=float, default=10.0, help="gain of quiet patches, minus one")
    ap.add_argument("--knee-db", type=float, default=-30.0, help="level below which gain is constant")
    ap.add_argument("--frames", type=int, default=350000)
    ap.add_argument("--rounds", type=int, default=8)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    model = build(default_config(args.frame), Sampler(args.data, seed=args.seed), args.power, args.companding,
                  args.knee_db, args.frames, args.rounds)
    export(model, Path(args.out))


if __name__ == "__main__":
    main()

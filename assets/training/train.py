"""Train on top of the computed start. Resumes from the last checkpoint.

First the decoder alone: encoder and quantizer stay as fitted, codes of a pool of pieces
are computed once and used several times, every example decodes at its own random depth.
Then, with `--encoder`, the encoder too, and the codebooks follow it (follow.py). The
weights are averaged (EMA): the average is what is exported. With `--adversary` a
discriminator joins in. Either goes on from what a run without has reached.

One process a core, `torchrun --nproc-per-node 2 train.py ...`: threads gain little here.
Schedules count steps, so a run can be stopped and resumed at any time.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F

from adversary import SIZES, Judge, decoder_losses, judge_loss
from data import Sampler
from follow import Follower
from grow import grow
from losses import SCALES, Losses
from model import Codec, complete, load

WEIGHTS = {"wave": 1.0, "phase": 1.0, "size": 0.5, "mel": 2.5, "loud": 0.6, "envelope": 6.0, "level": 4.0, "edge": 0.15,
           "apart": 8.0}
FADES = ("wave", "phase", "edge")      # count less at low depths: their best answer there is silence
FILLS = ("mel", "level")               # count more there: what is lost can only be filled in alike


def depths_for(count, layers, generator):
    """Full depth for half; of the rest, one in ten below 2 and most between 4 and 24."""
    d = (1 + torch.rand(count, generator=generator) * ((layers + 1) ** 0.5 - 1)).pow(2).long().clamp(1, layers)
    return torch.where(torch.arange(count) < count // 2, layers, d)


@torch.no_grad()
def fill(model, sampler, count, samples):
    """Pieces and their codes, few at a time: distances to all rows then stay in the cache."""
    audio = sampler.pieces(count, samples)
    codes = torch.cat([model.encode(a[:, None]).to(torch.int16) for a in audio.split(4)], 1)
    return audio, codes.permute(1, 2, 0).contiguous()          # (count, frames, layers)


class Latents:
    """What codes decode to behind the quantizer, from a table of every row's share."""

    @torch.no_grad()
    def __init__(self, model):
        q = model.quantizer
        layers, size = len(q.quantizers), q.quantizers[0].codebook.weight.shape[0]
        rows = torch.arange(size)[None]
        self.bias = q.output_proj.bias
        self.table = torch.cat([(q.output_proj(layer.value(rows))[0].T - self.bias) for layer in q.quantizers])
        self.first = torch.arange(layers) * size
        self.layer = torch.arange(layers)

    @torch.no_grad()
    def __call__(self, codes, depths):
        """(B, frames, layers), (B) -> (B, dim, frames)"""
        b, t, k = codes.shape
        used = (self.layer < depths[:, None]).float()[:, None].expand(b, t, k)
        total = F.embedding_bag((codes.long() + self.first).view(b * t, k), self.table, mode="sum",
                                per_sample_weights=used.reshape(b * t, k))
        return (total + self.bias).view(b, t, -1).transpose(1, 2)


def parameter_groups(model, encoder):
    """Branches learn at full rate, the encoder's at `encoder` of it. Projections hold the
    transform and differ in size by orders of magnitude: each moves in proportion to its own
    size. Layer scales stay."""
    rates = {"decoder": 1.0} | ({"encoder": encoder} if encoder else {})
    groups = {part: {"params": [], "scale": rate} for part, rate in rates.items()}
    for name, p in model.named_parameters():
        rate = rates.get(name.split(".")[0])
        learns = rate is not None and not name.endswith(".scale")
        p.requires_grad_(learns)
        if learns and ".layers." in name:
            groups[name.split(".")[0]]["params"].append(p)
        elif learns:
            groups[name] = {"params": [p], "scale": rate * max(float(p.detach().pow(2).mean().sqrt()), 1e-4)}
    return list(groups.values())


def analyse(model, audio):
    """The encoder with its projections in f32: they hold high frequencies as small differences
    of large samples."""
    patch, stage = model.encoder
    x = stage.input_proj(patch(audio[:, None]).transpose(1, 2))
    with torch.autocast("cpu", torch.bfloat16):
        x = stage.transformer(x)
    return stage.output_proj(x.float()).transpose(1, 2)


class Gradients:
    """All gradients in one buffer: one exchange between processes, one norm.

    In the norm every group counts by its scale, or the smallest weights would drown the rest.
    """

    def __init__(self, groups):
        self.flat = torch.zeros(sum(p.numel() for g in groups for p in g["params"]))
        at = 0
        self.parts = []
        for g in groups:
            first = at
            for p in g["params"]:
                p.grad = self.flat[at: at + p.numel()].view_as(p)
                at += p.numel()
            self.parts.append((self.flat[first:at], g["scale"]))

    def share(self, most):
        """Mean over processes, clipped; returns the norm before."""
        if dist.is_initialized():
            dist.all_reduce(self.flat)
            self.flat /= dist.get_world_size()
        norm = sum((part.norm() * scale) ** 2 for part, scale in self.parts) ** 0.5
        if norm > most:
            self.flat *= most / norm
        return norm


def start(args, latest):
    """Model and, where there is one, the checkpoint to go on from."""
    if latest.exists():
        state = torch.load(latest, weights_only=True)
        model = Codec(json.loads(state["config"]))
        model.load_state_dict(state["model"])
        return model, state
    model = load(args.init)
    wanted = {"decoder": args.layers} | ({"encoder": args.encoder_layers} if args.encoder else {})
    for side, layers in wanted.items():
        have = next(c["num_layers"] for c in model.config[f"{side}_kwargs"] if "num_layers" in c)
        if layers > have:
            audio = Sampler(args.data, seed=args.seed).pieces(200, 24000)
            model = grow(model, side, layers, audio, torch.Generator().manual_seed(args.seed))
    return model, None


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--data", required=True)
    ap.add_argument("--init", required=True, help="folder with a model: of init.py, or of a run before")
    ap.add_argument("--out", required=True, help="checkpoints and log; an existing run is resumed")
    ap.add_argument("--layers", type=int, default=6, help="of the decoder; a start with fewer, untrained, grows")
    ap.add_argument("--encoder", type=float, default=0.0, help="its learning rate as a share of the decoder's; 0 leaves codes as they are; for a whole run")
    ap.add_argument("--encoder-layers", type=int, default=3, help="of an encoder that learns; one with fewer, untrained, grows")
    ap.add_argument("--steps", type=int, default=15000, help="of the whole run; the learning rate decays to zero there")
    ap.add_argument("--batch", type=int, default=16, help="pieces a step, over all processes")
    ap.add_argument("--seconds", type=float, default=1.2)
    ap.add_argument("--scales", type=int, default=1, help="STFT scales a step")
    ap.add_argument("--lr", type=float, default=5e-4)
    ap.add_argument("--average", type=float, default=0.998, help="decay of the averaged weights")
    ap.add_argument("--pool", type=int, default=1024, help="pieces encoded at a time, a process")
    ap.add_argument("--pool-uses", type=int, default=5)
    ap.add_argument("--adversary", type=float, default=0.0, help="weight of the discriminator, 0 for none")
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    torch.set_num_threads(1)
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group("gloo")
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    run = Path(args.out)
    run.mkdir(parents=True, exist_ok=True)
    latest = run / "latest.pt"

    torch.manual_seed(args.seed)
    model, state = start(args, latest)
    groups = parameter_groups(model, args.encoder)
    optimiser = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    gradients = Gradients(groups)
    moving = {n: p for n, p in model.named_parameters() if p.requires_grad or args.encoder and "codebook" in n}
    judges = torch.nn.ModuleList(Judge(n) for n in SIZES) if args.adversary else None
    if judges:
        judge_optimiser = torch.optim.AdamW(judges.parameters(), lr=3e-4, betas=(0.5, 0.9), fused=True)
        judge_gradients = Gradients([{"params": list(judges.parameters()), "scale": 1.0}])
    average = {n: t.clone() for n, t in model.state_dict().items()}
    step = 0
    if state:
        average, step = state["average"], state["step"]
        if state["encoder"] != args.encoder:
            raise SystemExit(f"{latest} was trained with --encoder {state['encoder']}; go on from its export with another --out")
        optimiser.load_state_dict(state["optimiser"])
        if judges:
            judges.load_state_dict(state["judges"])
            judge_optimiser.load_state_dict(state["judge_optimiser"])

    sampler = Sampler(args.data, seed=(args.seed, step, rank))
    generator = torch.Generator().manual_seed(args.seed * 7919 + step * world + rank)
    shared = torch.Generator().manual_seed(args.seed + step)        # what all processes draw alike
    losses = Losses(model.frame)
    follower = Follower(model.quantizer) if args.encoder else None
    if follower and state:
        follower.resume(state["follower"])
    latents = None if follower else Latents(model)
    layers = model.config["quantizer_kwargs"]["num_quantizers"]
    samples = int(args.seconds * 24000) // model.frame * model.frame
    batch = args.batch // world
    order, running, since = [], {}, time.time()

    def save():
        if rank:
            return
        for k, length in enumerate(follower.length if follower else ()):
            rows = average[f"quantizer.quantizers.{k}.codebook.weight"]
            rows.copy_(complete(rows, length))
        found = {"model": model.state_dict(), "average": average, "optimiser": optimiser.state_dict(), "step": step,
                 "config": json.dumps(model.config), "encoder": args.encoder}
        if follower:
            found["follower"] = follower.state()
        if judges:
            found |= {"judges": judges.state_dict(), "judge_optimiser": judge_optimiser.state_dict()}
        torch.save(found, run / "latest.pt.new")
        os.replace(run / "latest.pt.new", latest)

    while step < args.steps:
        depths = depths_for(batch, layers, generator)
        if follower:
            ref = sampler.pieces(batch, samples)
            z, apart = follower(analyse(model, ref), depths)
        else:
            if len(order) < batch:
                audio, codes = fill(model, sampler, args.pool, samples)
                order = torch.cat([torch.randperm(args.pool, generator=generator) for _ in range(args.pool_uses)]).tolist()
            pick, order = order[:batch], order[batch:]
            ref, z = audio[pick], latents(codes[pick], depths)
        with torch.autocast("cpu", torch.bfloat16):
            out = model.synthesise(z)[:, 0].float()
        scales = torch.randperm(len(SCALES), generator=shared)[: args.scales].tolist()
        terms = losses(out, ref, scales)
        faith = (depths / layers) ** 0.7
        share = {n: faith for n in FADES} | {n: 3 - 2 * faith for n in FILLS}
        if follower:
            terms["apart"] = apart
        loss = sum(w * (terms[n] * share.get(n, 1.0)).mean() for n, w in WEIGHTS.items() if follower or n != "apart")
        if judges:
            judge = judges[int(torch.randint(len(SIZES), (1,), generator=shared))]
            judge_gradients.flat.zero_()
            terms["judge"] = judge_loss(judge, out, ref)
            terms["judge"].backward()
            judge_gradients.share(10.0)
            judge_optimiser.step()
            judge.requires_grad_(False)
            terms["fooled"], terms["match"] = decoder_losses(judge, out, ref)
            loss = loss + args.adversary * (terms["fooled"].mean() + 4 * terms["match"].mean())
            judge.requires_grad_(True)
        lr = args.lr * min(1.0, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * step / args.steps))
        for g in optimiser.param_groups:
            g["lr"] = lr * g["scale"]
        gradients.flat.zero_()
        loss.backward()
        norm = gradients.share(3.0)
        if torch.isfinite(norm):
            optimiser.step()
            if follower:
                follower.follow()
        elif follower:
            follower.forget()
        step += 1
        with torch.no_grad():
            for n, p in moving.items():
                average[n].lerp_(p, 1 - min(args.average, (step + 1) / (step + 10)))
        for n, v in (*terms.items(), ("norm", norm)):
            running[n] = running.get(n, 0.0) + float(v.detach().mean())
        if step % 100 == 0 and rank == 0:
            line = " ".join(f"{n} {v / 100:.4f}" for n, v in running.items())
            print(f"step {step} {line} lr {lr:.2e} steps/s {100 / (time.time() - since):.2f}", flush=True)
            running, since = {}, time.time()
        if step % 250 == 0:
            save()
    save()
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()

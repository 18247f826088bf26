"""Train the codec on top of the fitted start. Resumes from the last checkpoint.

Stage "decoder": encoder and quantizer stay as fitted; codes of a pool of pieces are
computed once and reused, every example decodes at its own random depth.
Stage "all": encoder, quantizer projections and codebooks follow, slowly, with
straight-through codes. Both average the weights (EMA): the average is what is exported.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import torch

from data import Sampler
from losses import SCALES, Losses
from model import load

WEIGHTS = {"wave": 1.0, "phase": 1.0, "size": 1.0, "mel": 1.0, "loud": 1.0, "edge": 0.5}
FADES = ("wave", "phase", "edge")      # count less at low depths: their best answer there is silence


def depths_for(count, layers, generator):
    """Full depth for half, the rest log-uniform: every depth occurs, low ones often."""
    d = torch.exp(torch.rand(count, generator=generator) * torch.log(torch.tensor(layers + 0.999))).long()
    full = torch.rand(count, generator=generator) < 0.5
    return torch.where(full, layers, d.clamp(1, layers))


@torch.no_grad()
def fill(model, sampler, count, samples):
    audio = sampler.pieces(count, samples)
    codes = torch.cat([model.encode(a[:, None]).to(torch.int16) for a in audio.split(32)], 1)
    return audio, codes


@torch.no_grad()
def tables(model):
    """What every code adds behind the quantizer's output projection, (layers, size, dim)."""
    eye = [q.value(torch.arange(q.codebook.weight.shape[0])[None])[0].T for q in model.quantizer.quantizers]
    out = model.quantizer.output_proj
    bias = out.bias
    return torch.stack([(out(e.T[None])[0].T - bias) for e in eye]), bias


def straight_through(model, z, depths):
    """Codes as at inference, gradients past the choice; codebook and commitment losses."""
    q = model.quantizer
    residual, total, pull = q.input_proj(z), 0, 0
    for k, layer in enumerate(q.quantizers):
        with torch.no_grad():
            codes = layer.pick(residual)
        point = layer.in_proj(residual)
        rows = layer.codebook(codes).transpose(1, 2)
        value = layer.out_proj(rows)
        use = (depths > k).float()[:, None, None]
        error = (residual.detach() - value).pow(2)
        pull = pull + (use * error).mean() + 0.25 * (use * (residual - value.detach()).pow(2)).mean()
        through = residual + (value - residual).detach() if k == 0 else value.detach()
        total = total + use * through
        residual = residual - value.detach()
    return q.output_proj(total), pull / len(q.quantizers)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--data", required=True)
    ap.add_argument("--init", required=True, help="folder written by init.py")
    ap.add_argument("--run", required=True, help="checkpoints and log; an existing run is resumed")
    ap.add_argument("--stage", choices=("decoder", "all"), default="decoder")
    ap.add_argument("--minutes", type=float, default=60,
                    help="of all runs together; the learning rate decays to zero there")
    ap.add_argument("--total-steps", type=int, default=20000, help="the end, if it comes before --minutes")
    ap.add_argument("--batch", type=int, default=12)
    ap.add_argument("--seconds", type=float, default=1.6)
    ap.add_argument("--lr", type=float, default=6e-5)
    ap.add_argument("--pool", type=int, default=1536, help="pieces encoded at a time (stage decoder)")
    ap.add_argument("--pool-uses", type=int, default=2)
    ap.add_argument("--bf16", action="store_true", help="autocast: faster where the processor has it")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    run = Path(args.run)
    run.mkdir(parents=True, exist_ok=True)
    latest = run / "latest.pt"

    model = load(args.init)
    for name, p in model.named_parameters():
        p.requires_grad_(args.stage == "all" or name.startswith("decoder."))
    # Branches learn at full rate. Projections hold the transform and differ in size by
    # orders of magnitude: each moves in proportion to its own size. Layer scales stay.
    groups, slow = [{"params": [], "scale": 1.0}], 0.1
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        if name.endswith(".scale"):
            p.requires_grad_(False)
        elif name.startswith("decoder.") and ".layers." in name:
            groups[0]["params"].append(p)
        else:
            part = 1.0 if name.startswith("decoder.") else slow
            groups.append({"params": [p], "scale": part * max(float(p.detach().pow(2).mean().sqrt()), 1e-4)})
    optimiser = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.0)
    average = {n: t.clone() for n, t in model.state_dict().items()}
    step, seed, spent = 0, args.seed, 0.0
    if latest.exists():
        state = torch.load(latest, weights_only=True)
        model.load_state_dict(state["model"])
        average, step, seed, spent = state["average"], state["step"], state["seed"] + 1, state["spent"]
        if state["stage"] == args.stage:
            optimiser.load_state_dict(state["optimiser"])
        else:
            step, spent = 0, 0.0

    sampler, losses = Sampler(args.data, seed=seed * 7919 + step), Losses(model.frame)
    generator = torch.Generator().manual_seed(seed + step)
    layers = model.config["quantizer_kwargs"]["num_quantizers"]
    samples = int(args.seconds * 24000) // model.frame * model.frame
    add, bias = tables(model)
    pool, order, started, saved = None, [], time.time(), time.time()
    running = {}

    def save():
        state = {"model": model.state_dict(), "average": average, "optimiser": optimiser.state_dict(), "step": step,
                 "spent": spent + time.time() - started, "seed": seed, "stage": args.stage, "config": json.dumps(model.config)}
        torch.save(state, run / "latest.pt.new")
        os.replace(run / "latest.pt.new", latest)

    while (done := max(step / args.total_steps, (spent + time.time() - started) / 60 / args.minutes)) < 1:
        depths = depths_for(args.batch, layers, generator)
        if args.stage == "decoder":
            if len(order) < args.batch:
                pool = fill(model, sampler, args.pool, samples)
                order = torch.cat([torch.randperm(args.pool, generator=generator)
                                   for _ in range(args.pool_uses)]).tolist()
            pick, order = order[: args.batch], order[args.batch:]
            ref, codes = pool[0][pick], pool[1][:, pick].long()
            z = bias[None, :, None].repeat(args.batch, 1, codes.shape[-1])
            for b, d in enumerate(depths.tolist()):
                for k in range(d):
                    z[b] += add[k, codes[k, b]].T
            pull = torch.zeros(())
        else:
            ref = sampler.pieces(args.batch, samples)
            z, pull = straight_through(model, model.analyse(ref[:, None]), depths)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            out = model.synthesise(z)[:, 0].float()
        scales = torch.randperm(len(SCALES), generator=generator)[:2].tolist()
        terms = losses(out, ref, scales)
        faith = (depths / layers) ** 0.7
        loss = pull + sum(w * (terms[n] * (faith if n in FADES else 1.0)).mean() for n, w in WEIGHTS.items())
        lr = args.lr * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * done))
        for g in optimiser.param_groups:
            g["lr"] = lr * g["scale"]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        step += 1
        keep = min(0.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for n, p in model.named_parameters():
                if p.requires_grad:
                    average[n].lerp_(p.detach(), 1 - keep)
        for n, v in (*terms.items(), ("pull", pull), ("norm", norm)):
            running[n] = running.get(n, 0.0) + float(v.detach().mean())
        if step % 50 == 0:
            speed = 50 / (time.time() - running.pop("since", started))
            line = " ".join(f"{n} {v / 50:.4f}" for n, v in running.items() if n != "since")
            print(f"step {step} {line} lr {lr:.2e} steps/s {speed:.2f}", flush=True)
            running = {"since": time.time()}
        if time.time() - saved > 120:
            save()
            saved = time.time()
    save()


if __name__ == "__main__":
    main()

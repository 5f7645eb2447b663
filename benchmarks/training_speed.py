"""Batches a second of the study's networks: a plain float32 loop against ours, side by side in one run.

    python benchmarks/training_speed.py [--variant attention] [--batch 16] [--side 256] [--batches 3] [--threads N]

'plain' is float32 in PyTorch's own memory order with its default Adam; 'ours' what `sarcodec train` does on this machine
(channels last, fused Adam, bfloat16 where the processor has units for it, data made beside). The two take turns, batch by
batch, and each is given the median. Also: peak memory, and the hours that 235,000 batches would take.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

STUDY_BATCHES = 235_000


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="attention")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--base-width", type=int, help="default: the study's")
    parser.add_argument("--gates", choices=("none", "channel", "spatial", "both"), default="both", help="of attention")
    parser.add_argument("--kinds", default="plain,ours", help="one of them alone needs half the memory")
    parser.add_argument("--compile", action="store_true", help="also torch.compile ours")
    parser.add_argument("--spare-memory", action="store_true", help="ours keeps the inputs of residual blocks alone")
    parser.add_argument("--worker", choices=("plain", "ours"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _step(kind: str, options: argparse.Namespace):
    """A function that trains one batch."""
    import torch

    from sarcodec_lab.networks.autoencoders import build
    from sarcodec_lab.train.autoencoders.loop import wants_bfloat16
    from sarcodec_lab.train.device import chosen_device

    torch.set_num_threads(options.threads)
    device = chosen_device("auto")
    gates = {f"{gate}_gate": options.gates in (gate, "both") for gate in ("channel", "spatial")}
    network = build(options.variant, base_width=options.base_width, **gates).to(device).train()
    ours = kind == "ours"
    if ours:
        network = network.to(memory_format=torch.channels_last)
        if options.spare_memory:
            network.spare_memory()
    fast = torch.compile(network, dynamic=False) if ours and options.compile else network
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=ours or None)
    half = ours and wants_bfloat16("auto", device)
    x = torch.rand(options.batch, 1, options.side, options.side, device=device)

    def step() -> float:
        began = time.monotonic()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            reconstruction, _ = fast(x)
            loss = ((reconstruction.float() - x) ** 2).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.monotonic() - began

    return step


def _work(options: argparse.Namespace) -> None:
    """Train a batch for every line on stdin; answer with its seconds and the peak memory in MiB."""
    step = _step(options.worker, options)
    for _ in sys.stdin:
        seconds = step()
        print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]), flush=True)


def main() -> None:
    options = _options()
    if options.worker:
        _work(options)
        return
    workers, found = {}, {kind: [] for kind in options.kinds.split(",")}
    for kind in found:
        command = [sys.executable, *sys.argv, "--worker", kind]
        workers[kind] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for _ in range(options.batches + 1):
        for kind, worker in workers.items():
            worker.stdin.write("\n")
            worker.stdin.flush()
            found[kind].append(json.loads(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
    seconds = {kind: statistics.median(s for s, _ in answers[1:]) for kind, answers in found.items()}
    print(
        f"{options.variant}, {options.batch} crops of {options.side} x {options.side} a batch, {options.threads} threads"
    )
    for kind, answers in found.items():
        hours = STUDY_BATCHES * seconds[kind] / 3600
        print(f"{kind:5} {1 / seconds[kind]:.4f} batches/s  {hours:,.0f} h for 235,000  peak {answers[-1][1]:,.0f} MiB")
    if len(seconds) == 2:
        print(f"ours / plain: {seconds['plain'] / seconds['ours']:.2f}")


if __name__ == "__main__":
    main()

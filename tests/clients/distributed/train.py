"""What an ordinary user trains on several instances: DDP over gloo, each rank its share of every batch."""

import argparse
import os
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64)
    args, _ = parser.parse_known_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    x = torch.randn(args.steps * args.batch, 10)
    y = x @ torch.randn(10, 1) + 0.1 * torch.randn(len(x), 1)
    model = DistributedDataParallel(
        torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(args.steps):
        batch = slice(step * args.batch, (step + 1) * args.batch)
        loss = torch.nn.functional.mse_loss(model(x[batch][rank::world]), y[batch][rank::world])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        if rank == 0:
            print(f"world={world} step={step} loss={mean.item() / world:.6f}", flush=True)
    if rank == 0:
        torch.save(model.module.state_dict(), Path(os.environ["SM_MODEL_DIR"]) / "model.pt")
    dist.destroy_process_group()

"""A network too deep for its sigmoids: its gradients vanish on the way to the first layers."""

import time

import torch
from torch import nn

torch.manual_seed(0)
layers = [layer for _ in range(8) for layer in (nn.Linear(16, 16), nn.Sigmoid())]
model = nn.Sequential(*layers, nn.Linear(16, 1))
x = torch.randn(64, 16)
y = x.sum(dim=1, keepdim=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
for step in range(600):  # a minute, if nobody stops it
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    time.sleep(0.1)
print("nobody stopped it", loss.item())

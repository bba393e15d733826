"""MiniLM (six layers, 384 wide) as a classifier: mean of the pieces, then cosine to one direction a class.

The lower layers are frozen. What they make of a text never changes, so it is computed once and kept (`Rows`), and an
epoch runs only the layers above: fine-tuning in minutes on one processor. The directions start as the mean embeddings
of their classes, which is a usable classifier before the first step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoModel

SCALE = 20.0  # of the cosines, to be logits


def pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """The unit vector of the mean over a text's pieces."""
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


class Encoder(nn.Module):
    """pieces, mask -> logits. frozen: how many layers below stay as they came."""

    def __init__(self, source: Path | str, classes: int, frozen: int, meanings: dict[int, list[int]]) -> None:
        super().__init__()
        bert = AutoModel.from_pretrained(str(source), attn_implementation="eager")
        self.embeddings, self.layers, self.frozen = bert.embeddings, bert.encoder.layer, frozen
        words = self.embeddings.word_embeddings.weight
        with torch.no_grad():
            for piece, like in meanings.items():
                words[piece] = words[like].mean(0)
        self.directions = nn.Parameter(torch.zeros(classes, words.shape[1]))
        for part in [self.embeddings, *self.layers[:frozen]]:
            part.requires_grad_(False)

    def lower(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What the frozen layers make of the pieces."""
        return self._through(self.embeddings(ids), mask, 0, self.frozen)

    def upper(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The text's vector, from there."""
        return pooled(self._through(hidden, mask, self.frozen, len(self.layers)), mask)

    def _through(self, hidden: Tensor, mask: Tensor, first: int, last: int) -> Tensor:
        closed = (1.0 - mask[:, None, None, :].to(hidden.dtype)) * -1e4
        for layer in self.layers[first:last]:
            out = layer(hidden, closed)
            hidden = out if isinstance(out, Tensor) else out[0]
        return hidden

    def logits(self, vectors: Tensor) -> Tensor:
        return SCALE * vectors @ normalize(self.directions, dim=-1).T

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.logits(self.upper(self.lower(ids, mask), mask))


@dataclass
class Rows:
    """What the frozen layers made of texts; one array of pieces x 384 a text."""

    hidden: list[Tensor]

    def batch(self, numbers: np.ndarray) -> tuple[Tensor, Tensor]:
        chosen = [self.hidden[number] for number in numbers]
        lengths = torch.tensor([len(each) for each in chosen])
        mask = (torch.arange(int(lengths.max()))[None] < lengths[:, None]).float()
        return nn.utils.rnn.pad_sequence(chosen, batch_first=True), mask

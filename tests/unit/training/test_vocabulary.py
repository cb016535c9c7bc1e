"""Training only the used embedding rows must equal training all of them."""

from __future__ import annotations

import copy

import pyarrow as pa
import pytest
import torch
from torch import nn
from torch.nn import functional

from interlude.training.vocabulary import UsedRows, train_used_rows

USED = [0, 3, 4, 7]
BATCHES = torch.tensor([[[3, 4, 0]], [[7, 7, 3]], [[4, 3, 0]], [[7, 4, 4]]])
RATE, DECAY = 0.05, 0.1


class Encoder(nn.Module):
    """An embedding and a linear layer: the least that has an input embedding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(10, 6)
        self.linear = nn.Linear(6, 6)

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def set_input_embeddings(self, embedding: nn.Module) -> None:
        self.words = embedding

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.linear(self.words(ids))


def train(encoder: nn.Module, rows: UsedRows | None) -> list[float]:
    """Four steps of clipped AdamW; returns the losses."""
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=RATE, weight_decay=DECAY)
    encoder.train()
    losses = []
    for ids in BATCHES:
        loss = functional.mse_loss(encoder(ids), torch.ones(1, 3, 6))
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
        if rows is not None:
            rows.decay(1 - RATE * DECAY)
        losses.append(loss.item())
    encoder.eval()
    return losses


def compact(encoder: Encoder) -> UsedRows:
    examples = pa.table({"input_ids": pa.array([[[3, 4]], [[7]]])})
    return train_used_rows(encoder, [examples], pad_id=0)


def test_losses_and_all_rows_equal_those_of_plain_training() -> None:
    plain, small = Encoder(), Encoder()
    rows = compact(small)
    assert train(small, rows) == pytest.approx(train(plain, None), abs=1e-6)
    torch.testing.assert_close(small.state_dict(), plain.state_dict())


def test_only_rows_of_used_tokens_and_padding_are_trained() -> None:
    encoder = Encoder()
    rows = compact(encoder)
    assert rows.used.tolist() == USED
    assert rows.rows.shape == (len(USED), 6)


def test_evaluation_knows_every_token_and_training_rejects_an_unused_one() -> None:
    encoder = Encoder()
    before = copy.deepcopy(encoder.words.weight)
    compact(encoder)
    encoder.eval()
    torch.testing.assert_close(encoder.words(torch.tensor([9])), before[[9]])
    encoder.train()
    with pytest.raises(IndexError):
        encoder.words(torch.tensor([9]))


def test_the_state_dict_loads_into_a_plain_encoder() -> None:
    encoder = Encoder()
    compact(encoder)
    assert list(encoder.state_dict()) == list(Encoder().state_dict())
    Encoder().load_state_dict(encoder.state_dict())

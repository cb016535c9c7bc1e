"""The distribution of the dropout masks, of hidden states and of attention."""

from __future__ import annotations

import math

import pytest
import torch
from helpers.tiny_families import untrained
from scipy import stats
from torch import nn

from interlude.training.dropout import ATTENTION, LaneDropout, attend, use_lane_dropout

N = 400_000


def masked(p: float, n: int = N) -> torch.Tensor:
    torch.manual_seed(0)
    layer = LaneDropout(p)
    layer.train()
    return layer(torch.ones(n))


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5])
def test_the_share_of_dropped_values_is_p(p: float) -> None:
    dropped = int((masked(p) == 0).sum())
    assert stats.binomtest(dropped, N, p).pvalue > 0.01


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_kept_values_are_scaled_so_that_the_mean_stays(p: float) -> None:
    values = masked(p)
    assert values[values != 0].unique().item() == pytest.approx(1 / (1 - p), rel=1e-4)
    assert values.mean().item() == pytest.approx(1, abs=4 * math.sqrt(p / (1 - p) / N))


def test_all_four_lanes_and_neighbours_are_independent() -> None:
    dropped = (masked(0.3) == 0).view(-1, 4)
    for lane in range(4):
        assert stats.binomtest(int(dropped[:, lane].sum()), N // 4, 0.3).pvalue > 0.01
    pairs = torch.stack([dropped[:, 0], dropped[:, 1]]).int()
    together = torch.bincount(pairs[0] * 2 + pairs[1], minlength=4).reshape(2, 2).numpy()
    assert stats.chi2_contingency(together).pvalue > 0.01


def test_gradients_pass_where_values_did() -> None:
    torch.manual_seed(0)
    values = torch.ones(1000, requires_grad=True)
    layer = LaneDropout(0.4)
    result = layer(values)
    result.sum().backward()
    torch.testing.assert_close(values.grad, result.detach())


@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 3, 7)])
def test_any_shape_keeps_its_shape_and_type(shape: tuple[int, ...]) -> None:
    result = LaneDropout(0.5)(torch.ones(shape, dtype=torch.bfloat16))
    assert result.shape == shape
    assert result.dtype == torch.bfloat16


def test_evaluation_and_a_rate_of_zero_change_nothing() -> None:
    values = torch.randn(10)
    assert LaneDropout(0.5).eval()(values) is values
    assert LaneDropout(0.0)(values) is values


def test_every_dropout_of_a_model_is_replaced() -> None:
    model = nn.Sequential(nn.Dropout(0.1), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3)))
    use_lane_dropout(model)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.1, 0.3]
    assert all(isinstance(m, LaneDropout) for m in model.modules() if isinstance(m, nn.Dropout))


@pytest.mark.parametrize("model_type", ["bert", "electra", "roberta", "modernbert"])
def test_attention_without_dropout_is_that_of_transformers(model_type: str) -> None:
    encoder = untrained(model_type, attn_implementation="eager").eval()
    ids = torch.randint(1, 50, (3, 9))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    before = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    use_lane_dropout(encoder)
    assert encoder.config._attn_implementation == ATTENTION
    after = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("model_type", ["deberta", "mpnet"])
def test_a_family_whose_attention_is_its_own_still_computes(model_type: str) -> None:
    encoder = untrained(model_type, attn_implementation="eager")
    use_lane_dropout(encoder)
    assert encoder(input_ids=torch.ones(1, 4, dtype=torch.long)).last_hidden_state.isfinite().all()


def test_probabilities_of_attention_are_dropped_at_their_rate() -> None:
    torch.manual_seed(0)
    query = key = torch.zeros(20, 4, 50, 8)  # all keys alike: a probability is 1 / 50
    _, kept = attend(nn.Module(), query, key, key, None, scaling=1.0, dropout=0.1)
    dropped = int((kept == 0).sum())
    assert stats.binomtest(dropped, kept.numel(), 0.1).pvalue > 0.01
    torch.testing.assert_close(kept.max().item(), 1 / 50 / 0.9, rtol=1e-4, atol=0)

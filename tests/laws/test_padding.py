"""Law 1: an utterance alone and in a padded batch gives the same logits, loss and words, whatever the padding holds."""

import pytest
import torch
from test_models import VARIANTS

from asr.ctc.loss import ctc_loss, log_probs
from asr.decoding.greedy import GreedyDecoder
from asr.features.features import Features
from asr.features.options import FeatureOptions

KINDS = {
    "logmel": FeatureOptions(n_mels=16),
    "mfcc": FeatureOptions(kind="mfcc", n_mels=20, n_mfcc=16),
    "global": FeatureOptions(n_mels=16, normalize="global"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("garbage", [0.0, 7.0, float("nan")])
def test_padding_has_no_effect(name, kind, garbage):
    torch.manual_seed(0)
    model, features = VARIANTS[name](), Features(KINDS[kind])
    model(torch.randn(4, 50, 16), torch.full((4,), 50))  # running statistics that are not the initial ones
    model.eval()
    lengths = torch.tensor([9000, 4000, 700])
    waveforms = torch.full((3, 9000), garbage)
    for b, n in enumerate(lengths):
        waveforms[b, :n] = torch.randn(int(n)) * 0.1
    targets, target_lengths = torch.tensor([[1, 2, 3], [4, 4, 0], [5, 0, 0]]), torch.tensor([3, 2, 1])
    with torch.no_grad():
        logits, frames = model(*features(waveforms, lengths))
        losses = ctc_loss(logits, targets, frames, target_lengths)
        words = GreedyDecoder()(log_probs(logits), frames)
        for b, n in enumerate(lengths):
            one, one_frames = model(*features(waveforms[b : b + 1, :n], lengths[b : b + 1]))
            assert one_frames == frames[b]
            torch.testing.assert_close(logits[b, : frames[b]], one[0], rtol=1e-4, atol=1e-4)
            alone = ctc_loss(one, targets[b : b + 1], one_frames, target_lengths[b : b + 1])
            torch.testing.assert_close(losses[b : b + 1], alone, rtol=1e-4, atol=1e-4)
            assert GreedyDecoder()(log_probs(one), one_frames)[0][0].tokens == words[b][0].tokens


@pytest.mark.parametrize("name", VARIANTS)
def test_training_statistics_ignore_padding(name):
    """Batch norm in training mode: more padding, same logits and same running statistics."""
    torch.manual_seed(0)
    model = VARIANTS[name]()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    state = {k: v.clone() for k, v in model.state_dict().items()}
    x, lengths = torch.randn(2, 30, 16), torch.tensor([30, 12])
    short, frames = model(x, lengths)
    after = {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    longer = torch.cat([x, torch.full((2, 25, 16), float("nan"))], dim=1)
    longer[1, 12:] = 5.0
    long, _ = model(longer, lengths)
    torch.testing.assert_close(long[:, : short.shape[1]][0], short[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(long[1, : frames[1]], short[1, : frames[1]], rtol=1e-4, atol=1e-5)
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, after[key], rtol=1e-4, atol=1e-5)

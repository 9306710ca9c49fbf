"""Opinion models over numpy arrays agree with a few lines of numpy."""

from pathlib import Path

import numpy as np
import pytest

import consilia
from consilia.inference import DriftMonitor, EarlyStop, OpinionModel


def panel(cases: int = 200, members: int = 3, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    labels = rng.integers(0, classes, cases)
    logits = 2.0 * np.eye(classes)[labels][:, None, :] + rng.normal(size=(cases, members, classes))
    odds = np.exp(logits)
    return odds / odds.sum(axis=2, keepdims=True), labels


def model(rule: str = "weighted_soft_vote", **options: object) -> OpinionModel:
    return OpinionModel(["a", "b", "c"], ["w", "x", "y", "z"], rule=rule, **options)


def test_a_soft_vote_is_the_mean_and_a_missing_member_drops_out():
    opinions, _ = panel()
    opinions[5, 1] = np.nan
    agreed = model().agree(opinions)
    assert np.allclose(agreed["probabilities"], np.nanmean(opinions, axis=1))
    assert (agreed["class_index"] == np.nanmean(opinions, axis=1).argmax(axis=1)).all()


def test_a_log_pool_is_the_geometric_mean():
    opinions, _ = panel()
    pool = np.exp(np.log(np.maximum(opinions, 1e-6)).mean(axis=1))
    expected = pool / pool.sum(axis=1, keepdims=True)
    assert np.allclose(model("log_opinion_pool").agree(opinions)["probabilities"], expected)


def test_stacking_lowers_the_loss_on_what_it_was_fitted_to():
    opinions, labels = panel()
    fitted = model()
    before = fitted.evaluate(opinions, labels)["nll"]
    fitted.fit_stacking(opinions, labels)
    assert fitted.rule == "stacking"
    assert fitted.evaluate(opinions, labels)["nll"] < before


def test_the_early_stop_names_the_same_class():
    opinions, _ = panel()
    fitted = model()
    agreed = fitted.agree(opinions)["class_index"]
    for case, expected in zip(opinions, agreed, strict=True):
        stop = EarlyStop(fitted)
        for member in range(3):
            stop.add(member, case[member])
            if stop.is_decided():
                break
        assert stop.class_index == expected


def test_a_saved_model_is_read_back_and_never_overwritten(tmp_path: Path):
    fitted = model("log_opinion_pool", confidence_threshold=0.6)
    fitted.save(tmp_path / "panel.json")
    assert OpinionModel.load(tmp_path / "panel.json").to_json() == fitted.to_json()
    with pytest.raises(consilia.Conflict):
        fitted.save(str(tmp_path / "panel.json"))
    with pytest.raises(consilia.NotFound):
        OpinionModel.load(tmp_path / "none.json")


def test_wrong_shapes_and_labels_are_refused():
    opinions, labels = panel()
    with pytest.raises(ValueError, match="labels"):
        model().evaluate(opinions, labels[:-1])
    with pytest.raises(ValueError, match="shape"):
        model().agree(opinions[0])
    with pytest.raises(ValueError, match="labels"):
        model().evaluate(opinions, np.full(len(labels), 9))
    with pytest.raises(ValueError, match="labels"):
        model().evaluate(opinions, labels + 0.5)
    with pytest.raises(ValueError, match="labels"):
        model().evaluate(opinions, labels - 2**32)


def test_a_shift_shows_in_the_stability_index():
    drift = DriftMonitor(bins=10, window_size=100)
    drift.declare("x")
    for i in range(100):
        drift.add("x", i / 100)
    drift.end_reference("x")
    for _ in range(100):
        drift.add("x", 0.95)
    assert drift.statistics("x")["psi"] > 0.25

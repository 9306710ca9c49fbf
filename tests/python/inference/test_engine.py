"""The engine in Python: batches, plans, options; what they do is tested in C++."""

from __future__ import annotations

from pathlib import Path

import pytest

import consilia
from consilia.inference import DriftMonitor, Engine, MemoryLedger, OpinionModel

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / "examples" / "demo_members" / "packages"
MEMBERS = [PACKAGES / "resnet50.member", PACKAGES / "vit_b16.member"]
IMAGE = ROOT / "tests" / "support" / "phantom.png"


def open_engine(**options: object) -> Engine:
    return Engine(MEMBERS, threads=1, budget_bytes=64 << 20, **options)  # type: ignore[arg-type]


def test_a_batch_gives_what_each_image_gets_alone() -> None:
    engine = open_engine(is_deterministic=True)
    alone = engine.run(IMAGE)
    batch = engine.run_batch([IMAGE, IMAGE.read_bytes()])
    assert [each["probabilities"] for each in batch] == [alone["probabilities"]] * 2
    assert batch[0]["batch_size"] == 2
    together = open_engine().run_batch([IMAGE] * 3)
    assert together[2]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)


def test_an_image_that_cannot_be_read_leaves_the_others_alone(tmp_path: Path) -> None:
    broken, missing, good = open_engine().run_batch([b"no image", tmp_path / "none.png", IMAGE])
    assert isinstance(broken, consilia.ValidationError | consilia.UploadRejected)
    assert isinstance(missing, consilia.NotFound)
    assert good["label"]


def test_a_plan_is_shown_before_anything_runs() -> None:
    engine = open_engine()
    plan = engine.plan()
    assert [member["id"] for member in plan["members"]] == ["resnet50", "vit_b16"]
    assert sorted(plan["order"]) == ["resnet50", "vit_b16"]
    assert engine.memory()["held_bytes"] == 0
    assert engine.plan_text(columns=30).startswith("budget 64.0 MiB, peak ")


def test_a_warm_up_measures_and_the_next_engine_knows(tmp_path: Path) -> None:
    open_engine(profile_directory=tmp_path).warm_up([1, 2])
    assert len(list(tmp_path.glob("*.profile.json"))) == 2
    engine = open_engine(profile_directory=tmp_path)
    engine.run(IMAGE)
    assert all(member["run_ms"] > 0 for member in engine.plan(2)["members"])


def test_members_that_cannot_change_the_diagnosis_are_skipped() -> None:
    packages = sorted(PACKAGES.glob("*.member"))
    whole = Engine(packages, threads=1).run(IMAGE)
    stopped = Engine(packages, threads=1, early_stop=0).run(IMAGE)
    assert stopped["label"] == whole["label"]
    skipped = [opinion["member_id"] for opinion in stopped["opinions"] if opinion.get("is_skipped")]
    assert len(skipped) < len(packages)


def test_an_opinion_model_of_another_panel_is_refused() -> None:
    classes = open_engine().classes
    model = OpinionModel(member_ids=["vit_b16", "resnet50"], classes=classes)
    with pytest.raises(consilia.InvalidArgument, match="was fitted to"):
        open_engine(opinion_model=model)


def test_an_opinion_says_what_reproduces_it() -> None:
    opinion = open_engine().run(IMAGE)["opinions"][0]
    assert opinion["backend"].startswith("torch ")
    assert (opinion["device"], opinion["precision"]) == ("cpu", "f32")
    assert len(opinion["member_hash"]) == len(opinion["pipeline_hash"]) == 64


@pytest.mark.parametrize(
    "option",
    [{"precision": "f64"}, {"lower_precision": "int8"}, {"early_stop": 2.0}, {"consensus": "loudest"}],
)
def test_an_option_that_has_no_meaning_is_refused(option: dict[str, object]) -> None:
    with pytest.raises(consilia.InvalidArgument):
        open_engine(**option)


def test_bf16_agrees_to_its_rounding() -> None:
    exact = open_engine().run(IMAGE)
    lower = open_engine(precision="bf16").run(IMAGE)
    assert lower["opinions"][0]["precision"] == "bf16"
    assert lower["probabilities"] == pytest.approx(exact["probabilities"], abs=0.05)
    assert lower["probabilities"] != exact["probabilities"]


def test_nothing_is_kept_where_no_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = open_engine()
    engine.run(IMAGE)
    engine.warm_up([1])
    assert list(tmp_path.iterdir()) == []


def test_engines_that_share_a_ledger_stay_within_it() -> None:
    ledger = MemoryLedger(budget_bytes=8 << 20, reserve_bytes=1 << 20)
    first = open_engine(ledger=ledger, ledger_share=2)
    second = Engine([PACKAGES / "swin_t.member"], threads=1, ledger=ledger)
    alone = Engine([PACKAGES / "swin_t.member"], threads=1).run(IMAGE)
    for _ in range(2):
        first.run(IMAGE)
        assert second.run(IMAGE)["probabilities"] == alone["probabilities"]
    assert ledger.limit_bytes == 7 << 20
    assert 0 < ledger.held_bytes <= ledger.peak_bytes <= ledger.limit_bytes
    assert sum(ledger.holders().values()) == ledger.held_bytes
    assert first.plan()["budget_bytes"] < ledger.limit_bytes
    with pytest.raises(consilia.InvalidArgument, match="share"):
        open_engine(ledger=ledger, ledger_share=0)
    with pytest.raises(consilia.InvalidArgument, match="reserve"):
        MemoryLedger(budget_bytes=1, reserve_bytes=1)


def test_a_monitor_is_told_of_each_diagnosis() -> None:
    drift = DriftMonitor(reference_size=2)
    engine = open_engine(drift=drift)
    confidence = engine.run(IMAGE)["confidence"]
    engine.run_batch([IMAGE, IMAGE])
    found = drift.statistics("opinion.confidence")
    assert (found["reference_count"], found["window_count"]) == (2, 1)
    assert found["window_mean"] == pytest.approx(confidence, abs=1e-5)
    assert "member.vit_b16.confidence" in drift.series()
    drift.end_references()

"""Configuration from Python: attributes, layers, immutability."""

from __future__ import annotations

import datetime as dt
import json
import pickle

import pytest

import consilia
from consilia import Config


def test_the_defaults_are_read_by_attribute() -> None:
    config = Config()
    assert config.uploads.limit_bytes == 10 * 1024 * 1024
    assert config.uploads.types == ["jpeg", "png"]
    assert config.predictions.confidence_threshold == 0.75
    assert config.predictions.per_user_and_day_max == 50
    assert config.session_timeout == dt.timedelta(minutes=30)
    assert config.reports_kept == dt.timedelta(days=365)
    assert [role.display_name for role in config.roles] == ["Administrator", "Medical staff", "Patient"]
    assert not config.is_enabled("anything")


def test_the_environment_goes_over_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.dumps({"uploads": {"limit_bytes": 1000}, "features": {"beta": True}})
    monkeypatch.setenv("CONSILIA_UPLOADS_LIMIT_BYTES", "2000")
    config = Config.from_json(document).with_environment()
    assert config.uploads.limit_bytes == 2000
    assert config.features == {"beta": True}
    assert config.is_enabled("beta")
    assert config.with_environment({"CONSILIA_UPLOADS_LIMIT_BYTES": "3000"}).uploads.limit_bytes == 3000


def test_a_configuration_is_not_changed_in_place() -> None:
    config = Config()
    with pytest.raises(AttributeError):
        config.uploads.limit_bytes = 1
    config.features["sneaky"] = True
    assert config == Config()
    assert config != Config.from_json('{"reports_kept_days": 1}')
    assert config != "config"


def test_a_configuration_survives_json_and_pickle() -> None:
    config = Config.from_json('{"diagnoses": ["A", "B"], "features": {"x": true}}')
    assert Config.from_json(config.to_json()) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert hash(pickle.loads(pickle.dumps(config))) == hash(config)
    assert config.to_dict()["diagnoses"] == ["A", "B"]


def test_an_unknown_key_is_named_with_its_source() -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        Config().with_json('{"uploads": {"limit": 5}}', source="site.json")
    assert caught.value.code == "config.unknown_key"
    assert caught.value.details["key"] == "uploads.limit"
    assert caught.value.details["source"] == "site.json"
    assert "site.json" in str(caught.value)

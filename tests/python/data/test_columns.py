"""Results as columns: numpy, pyarrow, polars and pandas, without a copy where there can be none."""

from __future__ import annotations

import datetime

import numpy as np
import pandas
import polars
import pyarrow as pa
import pytest
from clinic_models import NOON, Patient, Prediction, Xray

import consilia
from consilia import data


def test_numbers_are_shared_and_missing_ones_are_nan(db: data.Database) -> None:
    rows = Prediction.query().order_by("id").run(db)
    identifiers = rows.column("id")
    assert identifiers.dtype == np.int64
    assert identifiers.tolist() == list(range(1, 13))
    assert not identifiers.flags.owndata
    assert not identifiers.flags.writeable
    assert np.shares_memory(identifiers, rows.column(Prediction.id))
    confidence = rows.column("confidence")
    assert np.isnan(confidence).tolist() == [True, False] * 6
    assert rows[3:5].column("id").tolist() == [4, 5]


def test_an_array_outlives_its_result(db: data.Database) -> None:
    identifiers = Prediction.query().order_by("id").run(db).column("id")
    assert identifiers.sum() == 78


def test_times_and_truth_values(db: data.Database) -> None:
    taken = Xray.query().order_by("id").run(db).column("taken_at")
    assert taken.dtype == np.dtype("datetime64[us]")
    assert taken[0] == np.datetime64(NOON.replace(tzinfo=None), "us")
    born = Patient.query().order_by("id").run(db).column("birth_date")
    assert born.dtype == np.dtype("datetime64[D]")
    assert born[0] == np.datetime64("1980-02-29")
    assert np.isnat(born).tolist() == [False, True, True]
    assert Prediction.query().run(db).column("is_deleted").tolist() == [False] * 12


def test_missing_integers_are_masked_and_texts_are_objects(db: data.Database) -> None:
    users = Patient.query().order_by("id").run(db).column("user_id")
    assert isinstance(users, np.ma.MaskedArray)
    assert users.tolist() == [1, None, None]
    assert Patient.query().order_by("id").run(db).column("full_name").tolist() == ["Ann", "Ben", "Änne"]
    assert Patient.query().where("id < 0").run(db).column("id").tolist() == []


def test_arrow_takes_the_buffers(db: data.Database) -> None:
    rows = Prediction.query().order_by("id").run(db)
    table = pa.table(rows)
    assert table.num_rows == 12
    assert table.schema.field("created_at").type == pa.timestamp("us", tz="UTC")
    address = rows.column("id").__array_interface__["data"][0]
    assert table.column("id").chunk(0).buffers()[1].address == address
    batch = pa.record_batch(rows)
    assert batch.column("status").to_pylist() == ["pending", "done"] * 6
    del rows
    assert table.column("id").to_pylist() == list(range(1, 13))
    with pytest.raises(consilia.InvalidArgument):
        pa.table(Prediction.query().run(db)[:3])


def test_data_frames_are_read_and_written(db: data.Database) -> None:
    frame = polars.DataFrame(Patient.query().order_by("id").run(db))
    assert frame["full_name"].to_list() == ["Ann", "Ben", "Änne"]
    new = polars.DataFrame(
        {"full_name": ["Cid", "Dee"], "birth_date": [datetime.date(2000, 1, 1), None], "user_id": [1, None]}
    )
    assert db.bulk_insert(Patient, new) == 2
    cid = Patient.query().where(Patient.full_name == "Cid").get(db)
    assert (cid.birth_date, cid.user_id) == (datetime.date(2000, 1, 1), 1)


def test_a_pandas_frame_is_stored(db: data.Database) -> None:
    frame = pandas.DataFrame({"full_name": ["Cid", "Dee"]})
    assert db.bulk_insert(Patient, frame) == 2
    assert Patient.query().count(db) == 5


def test_an_arrow_table_that_does_not_fit_is_refused(db: data.Database) -> None:
    for table in (pa.table({"full_name": [1, 2]}), pa.table({"nothing": ["a"]})):
        with pytest.raises(consilia.InvalidArgument):
            db.bulk_insert(Patient, table)
    assert Patient.query().count(db) == 3

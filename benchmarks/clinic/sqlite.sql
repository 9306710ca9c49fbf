-- The records that all measurements of the data layer work on: 1,000 users and patients, 50,000 images, 100,000
-- predictions. What looks random is a multiplicative hash of the row's number, so that each run has the same rows.
--
-- The first 100 patients have 5 images each, the others 55; each image has 2 predictions. 7 predictions in 10 are
-- completed, and but for those of the first 500 images one in 50 is soft-deleted. Times are microseconds since 1970.
CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY,
    username TEXT NOT NULL
);
CREATE TABLE patients (
    id INTEGER NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    full_name TEXT NOT NULL
);
CREATE TABLE xrays (
    id INTEGER NOT NULL PRIMARY KEY,
    patient_id INTEGER NOT NULL REFERENCES patients (id),
    sha256 TEXT NOT NULL
);
CREATE TABLE predictions (
    id INTEGER NOT NULL PRIMARY KEY,
    xray_id INTEGER NOT NULL REFERENCES xrays (id),
    status TEXT NOT NULL,
    diagnosis TEXT NOT NULL,
    confidence REAL NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL,
    deleted_at INTEGER,
    deleted_by INTEGER
);

INSERT INTO users
WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 1000)
SELECT i, 'user' || i FROM numbers;

INSERT INTO patients
WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 1000)
SELECT i, i, 'Patient Number ' || i FROM numbers;

INSERT INTO xrays
WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 50000)
SELECT
    i,
    CASE WHEN i <= 500 THEN (i - 1) / 5 + 1 ELSE 101 + i * 7 % 900 END,
    '0123456789abcdef0123456789abcdef0123456789abcdef012345' || (1000000000 + i * 2654435761 % 4294967296)
FROM numbers;

INSERT INTO predictions
WITH RECURSIVE numbers (i, xray, h) AS (
    SELECT 1, 1, 2654435761
    UNION ALL
    SELECT i + 1, i % 50000 + 1, (i + 1) * 2654435761 % 4294967296 FROM numbers WHERE i < 100000
)
SELECT
    i,
    xray,
    CASE WHEN h % 10 < 7 THEN 'completed' WHEN h % 10 < 9 THEN 'pending' ELSE 'failed' END,
    CASE h / 16 % 4 WHEN 0 THEN 'COVID' WHEN 1 THEN 'Normal' WHEN 2 THEN 'Viral Pneumonia' ELSE 'Lung Opacity' END,
    (h / 64 % 1000003) / 1000003.0,
    1700000000000000 + i * 1000003,
    1700000000000000 + i * 1000003 + h % 60000000,
    0,
    NULL,
    NULL
FROM numbers;

UPDATE predictions
SET is_deleted = 1, deleted_at = created_at + 60000000, deleted_by = 1
WHERE xray_id > 500 AND id * 2654435761 % 4294967296 / 7 % 50 = 0;

CREATE INDEX patients_user_id_idx ON patients (user_id);
CREATE INDEX xrays_patient_id_idx ON xrays (patient_id);
CREATE INDEX predictions_xray_id_idx ON predictions (xray_id);
CREATE INDEX predictions_page_idx ON predictions (status, is_deleted, created_at DESC, id DESC);
ANALYZE;

-- A database of version 1, as it was made before sections had titles and metrics had digits.
PRAGMA journal_mode=WAL;
CREATE TABLE reportgen_schema (version INTEGER NOT NULL, PRIMARY KEY (version));
CREATE TABLE reportgen_runs (
  id INTEGER NOT NULL, identity VARCHAR(64) NOT NULL, report VARCHAR(100) NOT NULL,
  run VARCHAR(100) NOT NULL, origin TEXT NOT NULL, night DATE NOT NULL, started DATETIME NOT NULL,
  status VARCHAR(8) NOT NULL, seconds DOUBLE, partial BOOLEAN NOT NULL,
  configuration VARCHAR(64) NOT NULL, git_commit VARCHAR(64) NOT NULL,
  PRIMARY KEY (id), UNIQUE (identity)
);
CREATE INDEX reportgen_runs_by_night ON reportgen_runs (report, night);
CREATE TABLE reportgen_sections (
  run_id INTEGER NOT NULL, section VARCHAR(100) NOT NULL, status VARCHAR(8) NOT NULL,
  seconds DOUBLE, PRIMARY KEY (run_id, section),
  FOREIGN KEY(run_id) REFERENCES reportgen_runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE reportgen_metrics (
  run_id INTEGER NOT NULL, section VARCHAR(100) NOT NULL, name VARCHAR(100) NOT NULL,
  label TEXT NOT NULL, unit TEXT NOT NULL, value DOUBLE, verdict VARCHAR(8),
  PRIMARY KEY (run_id, section, name),
  FOREIGN KEY(run_id) REFERENCES reportgen_runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE reportgen_inputs (
  run_id INTEGER NOT NULL, place INTEGER NOT NULL, path TEXT NOT NULL, sha256 VARCHAR(64),
  bytes BIGINT, error TEXT NOT NULL, PRIMARY KEY (run_id, place),
  FOREIGN KEY(run_id) REFERENCES reportgen_runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE reportgen_datasets (
  run_id INTEGER NOT NULL, place INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
  rows BIGINT NOT NULL, PRIMARY KEY (run_id, place, number),
  FOREIGN KEY(run_id) REFERENCES reportgen_runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE reportgen_versions (
  run_id INTEGER NOT NULL, name VARCHAR(100) NOT NULL, version TEXT NOT NULL,
  PRIMARY KEY (run_id, name),
  FOREIGN KEY(run_id) REFERENCES reportgen_runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO reportgen_schema VALUES (1);
INSERT INTO reportgen_runs VALUES
  (1, 'aa', 'cdfs', '20261030T020000Z', '/build/cdfs', '2026-10-30', '2026-10-30 02:00:00.000000',
   'warn', 11.5, 0, 'cc', '');
INSERT INTO reportgen_sections VALUES (1, 'flux', 'warn', 0.5);
INSERT INTO reportgen_metrics VALUES (1, 'flux', 'median', 'Median', 'uJy', 198.5, 'warn');
INSERT INTO reportgen_versions VALUES (1, 'python', '3.11.7');

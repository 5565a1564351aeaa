-- What people in charge decide, and what the hand does: locks, pins, decisions, tombstones, fields of one's own.

-- What no run may write, by hand. `field` is a target field, `status`, or empty: the person wholly.
CREATE TABLE lock (
  tenant INTEGER NOT NULL,
  person INTEGER NOT NULL REFERENCES person,
  field  TEXT NOT NULL,
  note   TEXT,                          -- why, in the words of whoever locked it
  run    INTEGER NOT NULL REFERENCES run,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, person, field)
) STRICT, WITHOUT ROWID;

-- What a run may not write again while the source says what it said: made by an undo and by a rejected hold.
-- Lifted by the next applied run that finds another value at the source, or by `people unpin`.
CREATE TABLE pin (
  id           INTEGER PRIMARY KEY,
  tenant       INTEGER NOT NULL,
  integration  TEXT NOT NULL,
  source_id    TEXT NOT NULL,
  person       INTEGER,                 -- NULL = nobody: the record is not to become one
  field        TEXT NOT NULL,           -- a target field; `status`; `*`: the record as a whole
  -- What the source says while the pin holds. Of a field: its mapped value, JSON; NULL = empty. Of the status:
  -- `enabled`, `disabled`, `deleted`, `not-found`, `left-filter`. Of the whole: the digest of the mapped fields.
  source_value TEXT,
  reason       TEXT NOT NULL,           -- for people: `undone in run 12`, `rejected in run 13`
  run          INTEGER NOT NULL REFERENCES run,
  at           INTEGER NOT NULL,
  UNIQUE (tenant, integration, source_id, field)
) STRICT;
CREATE INDEX pin_person ON pin (person) WHERE person IS NOT NULL;

-- Who an ambiguous record is, as somebody decided; remembered.
CREATE TABLE decision (
  tenant      INTEGER NOT NULL,
  integration TEXT NOT NULL,
  source_id   TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('link', 'new')),
  person      INTEGER,                  -- link: who it is
  run         INTEGER NOT NULL REFERENCES run,
  at          INTEGER NOT NULL,
  PRIMARY KEY (tenant, integration, source_id)
) STRICT, WITHOUT ROWID;

-- Source ids of people who were erased: no run makes them again until this is lifted.
CREATE TABLE tombstone (
  tenant    INTEGER NOT NULL,
  source_id TEXT NOT NULL,
  uid       TEXT NOT NULL,              -- of the person that was
  at        INTEGER NOT NULL,
  PRIMARY KEY (tenant, source_id)
) STRICT, WITHOUT ROWID;

-- Fields of people beside the built-in ones.
CREATE TABLE custom_field (
  tenant     INTEGER NOT NULL REFERENCES tenant,
  name       TEXT NOT NULL,
  label      TEXT NOT NULL,
  value_type TEXT NOT NULL CHECK (value_type IN ('text', 'flag', 'number', 'time')),
  key        INTEGER NOT NULL CHECK (key IN (0, 1)), -- people can be found by it
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Ambiguous records wait as holds of the cause `ambiguous`: JSON list of the people (row numbers) it could be.
ALTER TABLE hold ADD COLUMN candidates TEXT;
ALTER TABLE staged_hold ADD COLUMN candidates TEXT;

-- The run that undid this change, if one did.
ALTER TABLE change ADD COLUMN undone_by INTEGER REFERENCES run;

-- What was met and is nobody yet is asked for by its source id (`why`); the others are found by their person.
CREATE INDEX change_nobody ON change (tenant, source_id) WHERE person IS NULL;

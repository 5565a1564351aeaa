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

-- The row of the ledger that this one takes back. It counts for as long as this one is not taken back itself.
ALTER TABLE change ADD COLUMN undoes INTEGER;
CREATE INDEX change_undoes ON change (undoes) WHERE undoes IS NOT NULL;

-- First links to somebody known: digest of the mapped fields, for a pin of the record as a whole.
ALTER TABLE change ADD COLUMN mapped TEXT;

-- A person is one user of an integration's source: with two, each night one of them would undo the other.
CREATE UNIQUE INDEX link_once ON link (tenant, integration, person);

-- The run that made the link.
ALTER TABLE link ADD COLUMN made_by INTEGER REFERENCES run;

-- Links that the hand took away, as they were, so that this can be undone; of those who were erased there is none.
CREATE TABLE former_link (
  id            INTEGER PRIMARY KEY,
  change        INTEGER NOT NULL,         -- the row of the ledger that took it away
  tenant        INTEGER NOT NULL REFERENCES tenant,
  integration   TEXT NOT NULL,
  source_tenant TEXT NOT NULL,
  cloud         TEXT NOT NULL,
  source_id     TEXT NOT NULL,
  person        INTEGER NOT NULL,
  document      INTEGER,
  digest        BLOB NOT NULL,
  basis         INTEGER NOT NULL,
  enabled       INTEGER,
  gone          INTEGER NOT NULL,
  absent_since  INTEGER,
  absent_runs   INTEGER NOT NULL,
  sync_time     INTEGER,
  made_by       INTEGER,
  open          INTEGER NOT NULL          -- the next run had to look again anyway
) STRICT;
CREATE INDEX former_link_change ON former_link (change);
CREATE INDEX former_link_person ON former_link (person);

-- Pins of which a run has found that the source says something else by now.
CREATE TABLE staged_unpin (
  run INTEGER NOT NULL REFERENCES run,
  pin INTEGER NOT NULL,
  PRIMARY KEY (run, pin)
) STRICT, WITHOUT ROWID;

-- Links that make room for one to the same person's new id at the source.
CREATE TABLE staged_unlink (
  run  INTEGER NOT NULL REFERENCES run,
  link INTEGER NOT NULL,
  PRIMARY KEY (run, link)
) STRICT, WITHOUT ROWID;

-- Standing questions that a run over some people answers.
CREATE TABLE staged_close (
  run   INTEGER NOT NULL REFERENCES run,
  hold  INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('withdrawn', 'approved')),
  note  TEXT NOT NULL,
  PRIMARY KEY (run, hold)
) STRICT, WITHOUT ROWID;

-- Of a record that is nobody yet: the digest of its mapped fields, which a rejection pins.
ALTER TABLE hold ADD COLUMN digest TEXT;
ALTER TABLE staged_hold ADD COLUMN digest TEXT;

-- What was answered before is looked for by user and cause.
CREATE INDEX hold_of ON hold (tenant, integration, source_id, cause);

-- The run that answered the question or withdrew it.
ALTER TABLE hold ADD COLUMN closed_run INTEGER REFERENCES run;
CREATE INDEX hold_closed_run ON hold (closed_run) WHERE closed_run IS NOT NULL;

-- When the source was last asked about somebody whom it did not list: whoever waits longest is asked first.
ALTER TABLE link ADD COLUMN asked_at INTEGER;

-- What was met and is nobody yet is asked for by its source id (`why`); the others are found by their person.
CREATE INDEX change_nobody ON change (tenant, source_id) WHERE person IS NULL;

-- What is known of software: what plugins brought, and what people added.
CREATE TABLE catalog_entry (
  tenant    INTEGER NOT NULL REFERENCES tenant,
  name      TEXT NOT NULL,
  publisher TEXT NOT NULL,
  category  TEXT NOT NULL,
  by_hand   INTEGER NOT NULL CHECK (by_hand IN (0, 1)),
  added_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- An application that is linked to the catalog.
CREATE TABLE saas_application (
  id            INTEGER PRIMARY KEY,
  tenant        INTEGER NOT NULL REFERENCES tenant,
  name          TEXT NOT NULL,
  entry         TEXT NOT NULL,          -- of the catalog
  linked_at     INTEGER NOT NULL,
  integration   TEXT,                   -- which loads its users; NULL = none
  -- Of the last applied pass.
  roles_from    TEXT,
  read_at       INTEGER,
  complete_rows INTEGER,                -- rows of the last complete one
  UNIQUE (tenant, name)
) STRICT;

-- What a user of the source is in an application. The person follows from the link of the same source id, so
-- that whoever is matched later is matched without a write. NULL = unknown, which is not none and not never.
CREATE TABLE saas_user (
  id            INTEGER PRIMARY KEY,
  application   INTEGER NOT NULL REFERENCES saas_application,
  source_id     TEXT NOT NULL,
  name          TEXT,                   -- what people know the user by at the source
  role          TEXT,
  last_activity INTEGER,
  active        INTEGER NOT NULL CHECK (active IN (0, 1)),
  UNIQUE (application, source_id)
) STRICT;

-- The ledger of SaaS users. Activity is a stamp and makes no row.
CREATE TABLE saas_change (
  id           INTEGER PRIMARY KEY,
  run          INTEGER NOT NULL REFERENCES run,
  application  INTEGER NOT NULL REFERENCES saas_application,
  source_id    TEXT NOT NULL,
  outcome      TEXT NOT NULL CHECK (outcome IN ('created', 'updated', 'deactivated', 'reactivated', 'removed')),
  state        TEXT NOT NULL CHECK (state IN ('flows', 'moved')),
  reason       TEXT NOT NULL,
  role_before  TEXT,
  role_after   TEXT,
  active_after INTEGER CHECK (active_after IN (0, 1)), -- NULL = the status stays
  follows      INTEGER NOT NULL CHECK (follows IN (0, 1)), -- because the person is deactivated, and only then
  at           INTEGER NOT NULL,
  name         TEXT,                    -- removed: what people knew the user by
  undoes       INTEGER,                 -- the row that this one takes back
  undone_by    INTEGER REFERENCES run,
  UNIQUE (run, source_id)
) STRICT;
CREATE INDEX saas_change_user ON saas_change (application, source_id);

-- What a pass may not write again while the source says what it said, as `pin` for people.
CREATE TABLE saas_pin (
  application  INTEGER NOT NULL REFERENCES saas_application,
  source_id    TEXT NOT NULL,
  field        TEXT NOT NULL CHECK (field IN ('role', 'status', '*')),
  source_value TEXT,                    -- of the status: `user` or `left`; of the others the role; NULL = none
  run          INTEGER NOT NULL REFERENCES run,
  at           INTEGER NOT NULL,
  PRIMARY KEY (application, source_id, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE staged_saas_unpin (
  run       INTEGER NOT NULL REFERENCES run,
  source_id TEXT NOT NULL,
  field     TEXT NOT NULL,
  PRIMARY KEY (run, source_id, field)
) STRICT, WITHOUT ROWID;

-- What a run would write of SaaS users: values but for the status; roles as they come; the pass as a whole.
CREATE TABLE staged_saas (
  run           INTEGER NOT NULL REFERENCES run,
  source_id     TEXT NOT NULL,
  name          TEXT,
  role          TEXT,
  last_activity INTEGER,
  PRIMARY KEY (run, source_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE staged_saas_role (
  run       INTEGER NOT NULL REFERENCES run,
  source_id TEXT NOT NULL,
  role      TEXT NOT NULL,
  PRIMARY KEY (run, source_id, role)
) STRICT, WITHOUT ROWID;
CREATE TABLE staged_saas_pass (
  run           INTEGER PRIMARY KEY REFERENCES run,
  application   INTEGER NOT NULL REFERENCES saas_application,
  roles_from    TEXT NOT NULL,
  complete_rows INTEGER                 -- NULL = it was incomplete
) STRICT;

-- How a credential proves itself beside its sealed secrets: JSON, see `credential::About`. No secret is in it.
ALTER TABLE credential ADD COLUMN about TEXT NOT NULL DEFAULT '{}';

-- The machine that a local integration runs on: the one that saved it. NULL = it is a cloud one.
ALTER TABLE integration ADD COLUMN machine TEXT;

-- Links of a page that the filter after the fetch dropped, a Roaring bitmap: they have no row, and no pass beside
-- the users writes to them. NULL = none.
ALTER TABLE run_page ADD COLUMN filtered BLOB;

-- The run that found a SaaS user holding again of whom somebody had said yes or no: the next time they leave is
-- another question.
ALTER TABLE hold ADD COLUMN outlived_run INTEGER REFERENCES run;
CREATE TABLE staged_saas_outlived (
  run       INTEGER NOT NULL REFERENCES run,
  source_id TEXT NOT NULL,
  PRIMARY KEY (run, source_id)
) STRICT, WITHOUT ROWID;

-- From where changes at the source can be read: what the last applied run left. NULL = the next run lists everybody.
ALTER TABLE integration ADD COLUMN delta_cursor TEXT;
ALTER TABLE integration ADD COLUMN delta_terms TEXT;     -- digest of all that a record is read and judged by
ALTER TABLE integration ADD COLUMN delta_at INTEGER;     -- when the source gave the cursor
ALTER TABLE integration ADD COLUMN listed_at INTEGER;    -- when the last complete listing, applied, began
ALTER TABLE integration ADD COLUMN delta_runs INTEGER NOT NULL DEFAULT 0; -- applied since that listing

-- What a run reads, and what it will leave when it is applied.
ALTER TABLE run ADD COLUMN changes_only INTEGER NOT NULL DEFAULT 0 CHECK (changes_only IN (0, 1));
ALTER TABLE run ADD COLUMN delta_cursor TEXT;
ALTER TABLE run ADD COLUMN delta_terms TEXT;
ALTER TABLE run ADD COLUMN delta_at INTEGER;

-- What a run that reads changes looks at again though the source says nothing new of it.
CREATE INDEX link_open ON link (tenant, integration) WHERE open = 1;

-- Users of whom no link has the record as the source last told it: a change of them cannot be put together with
-- what is known, they are asked about by id. `again`: by the next run in any case, because it has to judge anew.
CREATE TABLE unread (
  tenant      INTEGER NOT NULL,
  integration TEXT NOT NULL,
  source_id   TEXT NOT NULL,
  again       INTEGER NOT NULL CHECK (again IN (0, 1)),
  PRIMARY KEY (tenant, integration, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX unread_again ON unread (tenant, integration) WHERE again = 1;

-- Whoever loses a link, by whatever hand, may become somebody else in the next run; and a link that comes back has
-- missed what was told meanwhile.
CREATE TRIGGER link_unread AFTER DELETE ON link BEGIN
  INSERT OR REPLACE INTO unread VALUES (old.tenant, old.integration, old.source_id, 1);
END;
CREATE TRIGGER former_link_unread AFTER DELETE ON former_link BEGIN
  INSERT OR REPLACE INTO unread VALUES (old.tenant, old.integration, old.source_id, 1);
END;

-- Users about whom a run asked in vain.
CREATE TABLE staged_unread (
  run       INTEGER NOT NULL REFERENCES run,
  source_id TEXT NOT NULL,
  PRIMARY KEY (run, source_id)
) STRICT, WITHOUT ROWID;

-- Users of whom a listing says something else than what reading changes had come to: JSON list of properties.
CREATE TABLE staged_parity (
  run        INTEGER NOT NULL REFERENCES run,
  source_id  TEXT NOT NULL,
  properties TEXT NOT NULL,
  PRIMARY KEY (run, source_id)
) STRICT, WITHOUT ROWID;

-- The embedded store. Times are milliseconds since 1970 (UTC); JSON is text; ids of people are UUIDs as text.
-- Tenant is a column of everything, so that one file can serve many.

CREATE TABLE tenant (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- Settings in clear, secrets sealed.
CREATE TABLE credential (
  tenant     INTEGER NOT NULL REFERENCES tenant,
  name       TEXT NOT NULL,
  settings   TEXT NOT NULL,             -- JSON object: domain, login, tenant, client-id, scopes
  sealed     BLOB NOT NULL,             -- JSON object of secrets, encrypted
  expires_on TEXT,                      -- the day that the administrator gave, YYYY-MM-DD
  saved_at   INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE integration (
  tenant        INTEGER NOT NULL REFERENCES tenant,
  name          TEXT NOT NULL,
  document      TEXT NOT NULL,          -- the TOML as it was saved
  credential    TEXT NOT NULL,
  launched_at   INTEGER,                -- NULL = draft
  saved_at      INTEGER NOT NULL,
  -- What the links belong to; set by the first applied run.
  source_tenant TEXT,
  cloud         TEXT,
  -- Of the last applied run.
  applied_run   INTEGER REFERENCES run,
  applied_shape TEXT,                   -- digest of filter, mapping and match keys
  sync_time     INTEGER,                -- Connector Sync Time of every link whose own is NULL
  complete_rows INTEGER,                -- rows of the last complete enumeration
  PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE person (
  id         INTEGER PRIMARY KEY,
  tenant     INTEGER NOT NULL REFERENCES tenant,
  uid        TEXT NOT NULL,             -- UUID
  active     INTEGER NOT NULL CHECK (active IN (0, 1)),
  ended_by   TEXT,                      -- who made the person inactive: integration NAME as `integration:NAME`, or `hand`
  fields     TEXT NOT NULL,             -- JSON object, target field -> value
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (tenant, uid)
) STRICT;

-- Values that people are found by: case-folded and NFC. A username belongs to one person.
CREATE TABLE person_key (
  tenant INTEGER NOT NULL,
  field  TEXT NOT NULL,
  key    TEXT NOT NULL,
  person INTEGER NOT NULL REFERENCES person,
  PRIMARY KEY (tenant, field, key, person)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX person_key_username ON person_key (tenant, key) WHERE field = 'username';
CREATE INDEX person_key_person ON person_key (person);

-- Raw records, each stored once: staged by a run, then pointed to by a link.
CREATE TABLE document (
  id  INTEGER PRIMARY KEY,
  raw TEXT NOT NULL
) STRICT;

-- (tenant, cloud, source id) -> person, kept per integration.
CREATE TABLE link (
  id             INTEGER PRIMARY KEY,
  tenant         INTEGER NOT NULL REFERENCES tenant,
  integration    TEXT NOT NULL,
  source_tenant  TEXT NOT NULL,
  cloud          TEXT NOT NULL,
  source_id      TEXT NOT NULL,
  person         INTEGER NOT NULL REFERENCES person,
  document       INTEGER REFERENCES document,
  -- Why the next run may pass the record over: nothing of this has changed.
  digest         BLOB NOT NULL,         -- of the raw record
  basis          INTEGER NOT NULL REFERENCES basis,
  person_version INTEGER NOT NULL,
  open           INTEGER NOT NULL CHECK (open IN (0, 1)), -- something is held, waiting or unresolved
  enabled        INTEGER,               -- what the source last said; NULL = did not say
  gone           INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)), -- absence is settled: not asked about again
  absent_since   INTEGER,
  absent_runs    INTEGER NOT NULL DEFAULT 0,
  sync_time      INTEGER,               -- NULL = the integration's sync_time
  UNIQUE (tenant, source_id, integration)
) STRICT;
CREATE INDEX link_person ON link (person);
CREATE INDEX link_late ON link (tenant, integration) WHERE sync_time IS NOT NULL OR absent_runs > 0 OR gone = 1;

-- The next number of a kind, where one is needed before the row is there.
CREATE TABLE sequence (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence VALUES ('person', 1), ('change', 1);

-- Everything but the record itself that decides an outcome: mapping, policy, match keys, plugin.
CREATE TABLE basis (
  id     INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE run (
  id          INTEGER PRIMARY KEY,
  tenant      INTEGER NOT NULL REFERENCES tenant,
  number      INTEGER NOT NULL,
  integration TEXT,                     -- NULL = by hand
  kind        TEXT NOT NULL,            -- sync, plan, import
  state       TEXT NOT NULL,            -- staging, judging, planned, applied, failed, discarded
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  config      TEXT,                     -- digest of document, credential settings and plugin
  shape       TEXT,
  basis       INTEGER REFERENCES basis,
  report      TEXT,                     -- JSON, once the run has ended
  UNIQUE (tenant, number)
) STRICT;
CREATE INDEX run_integration ON run (tenant, integration, state);

-- One staged page: where the next one starts, who was seen, what was counted.
CREATE TABLE run_page (
  run     INTEGER NOT NULL REFERENCES run,
  page    INTEGER NOT NULL,
  cursor  TEXT,                         -- NULL = that was the last
  rows    INTEGER NOT NULL,             -- rows of the page, whatever became of them
  total   INTEGER,                      -- rows that the source said there would be
  seen    BLOB NOT NULL,                -- link ids, a Roaring bitmap
  counts  TEXT NOT NULL,                -- JSON object, outcome -> rows that left no change behind
  PRIMARY KEY (run, page)
) STRICT, WITHOUT ROWID;

-- The ledger: what was to be, is, or was done to one person (or to one row that is nobody yet).
CREATE TABLE change (
  id           INTEGER PRIMARY KEY,
  tenant       INTEGER NOT NULL REFERENCES tenant,
  run          INTEGER NOT NULL REFERENCES run,
  integration  TEXT,
  source_id    TEXT,
  person       INTEGER,                 -- NULL = nobody
  uid          TEXT,                    -- creations: of the person to be
  outcome      TEXT NOT NULL,
  -- flows: done when the run is applied. held: waits. none: nothing would change. moved: left out,
  -- because the person had changed since.
  state        TEXT NOT NULL CHECK (state IN ('flows', 'held', 'none', 'moved')),
  cause        TEXT,                    -- what changes with one cause have in common
  reason       TEXT NOT NULL,
  fields       TEXT,                    -- creations: every field
  differences  TEXT,                    -- JSON list of [field, before, after]
  not_applied  TEXT,                    -- JSON list of sentences
  active_after INTEGER CHECK (active_after IN (0, 1)),
  evidence     TEXT,                    -- JSON; what proves an absence
  base_version INTEGER,
  at           INTEGER NOT NULL,
  -- Nobody is deactivated without evidence.
  CHECK (active_after IS NOT 0 OR outcome = 'created' OR evidence IS NOT NULL)
) STRICT;
CREATE INDEX change_run ON change (run, outcome);
CREATE INDEX change_person ON change (person) WHERE person IS NOT NULL;

-- What applying needs beside the ledger; emptied when the run ends.
CREATE TABLE staged (
  id        INTEGER PRIMARY KEY,        -- of the row's change; one without only refreshes its link
  run       INTEGER NOT NULL REFERENCES run,
  source_id TEXT NOT NULL,
  person    INTEGER,                    -- NULL = nobody is linked
  link      INTEGER,                    -- NULL = there is none yet
  linking   INTEGER NOT NULL CHECK (linking IN (0, 1)), -- whether there is a link afterwards
  open      INTEGER NOT NULL CHECK (open IN (0, 1)),
  document  INTEGER,
  digest    BLOB NOT NULL,
  enabled   INTEGER,
  keys      TEXT                        -- JSON object, key field -> folded value, of what the run would write
) STRICT;
-- Rows are appended and found by number: an index over random ids would write most of its pages anew with
-- every page of the listing.
CREATE INDEX staged_run ON staged (run);

CREATE INDEX staged_person ON staged (run, person) WHERE link IS NOT NULL;

-- What a complete listing did not return, and what the source said when it was asked.
CREATE TABLE staged_absent (
  run   INTEGER NOT NULL REFERENCES run,
  link  INTEGER NOT NULL,
  count INTEGER NOT NULL CHECK (count IN (0, 1)), -- counts towards the grace
  back  INTEGER NOT NULL CHECK (back IN (0, 1)),  -- the source knows them: the grace begins anew
  gone  INTEGER NOT NULL CHECK (gone IN (0, 1)),
  PRIMARY KEY (run, link)
) STRICT, WITHOUT ROWID;

-- What this run would hold.
CREATE TABLE staged_hold (
  run         INTEGER NOT NULL REFERENCES run,
  source_id   TEXT NOT NULL,
  cause       TEXT NOT NULL,
  person      INTEGER,
  reason      TEXT NOT NULL,
  differences TEXT,
  PRIMARY KEY (run, source_id, cause)
) STRICT, WITHOUT ROWID;

-- Standing questions to a person in charge.
CREATE TABLE hold (
  id          INTEGER PRIMARY KEY,
  tenant      INTEGER NOT NULL REFERENCES tenant,
  integration TEXT NOT NULL,
  source_id   TEXT NOT NULL,
  person      INTEGER,
  cause       TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('open', 'withdrawn', 'approved', 'rejected')),
  reason      TEXT NOT NULL,
  differences TEXT,
  opened_run  INTEGER NOT NULL REFERENCES run,
  opened_at   INTEGER NOT NULL,
  closed_at   INTEGER,
  closed_note TEXT
) STRICT;
CREATE UNIQUE INDEX hold_open ON hold (tenant, integration, source_id, cause) WHERE state = 'open';

//! What must hold after every applied run, whatever the story is.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use userload::model::fold_key;

use crate::House;

/// `[field, before, after]`.
type Differences = Vec<(String, Option<Box<RawValue>>, Option<Box<RawValue>>)>;

/// Somebody as the ledger rebuilds them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rebuilt {
    active: bool,
    fields: BTreeMap<String, String>,
}

impl House {
    /// Checks the store: people are what the ledger rebuilds, keys are what people have, nothing is left of
    /// staging, nobody was deactivated without evidence, links lead to people, documents belong to links.
    ///
    /// # Panics
    /// When one of these is not so.
    pub fn check(&self) {
        self.people_are_what_the_ledger_says();
        self.keys_are_what_people_have();
        for (what, sql) in [
            (
                "rows of staging are left",
                "SELECT count(*) FROM (
                   SELECT run FROM staged UNION ALL SELECT run FROM staged_absent
                   UNION ALL SELECT run FROM staged_hold UNION ALL SELECT run FROM staged_unpin
                   UNION ALL SELECT run FROM staged_unlink UNION ALL SELECT run FROM staged_close
                   UNION ALL SELECT run FROM staged_saas UNION ALL SELECT run FROM staged_saas_role
                   UNION ALL SELECT run FROM staged_saas_pass UNION ALL SELECT run FROM staged_saas_outlived
                   UNION ALL SELECT run FROM run_page) s
                 JOIN run r ON r.id = s.run WHERE r.state != 'planned'",
            ),
            (
                "somebody was deactivated without evidence",
                "SELECT count(*) FROM change WHERE active_after = 0 AND outcome != 'created'
                   AND coalesce(json_extract(evidence, '$.kind'), '') NOT IN
                     ('disabled', 'deleted', 'not-found', 'left-filter', 'ordered')",
            ),
            (
                "a question is answered by nobody",
                "SELECT count(*) FROM hold WHERE (state = 'open') != (closed_at IS NULL)
                   OR state IN ('approved', 'rejected') AND closed_run IS NULL
                     -- These are only said yes or no to: the next run acts on it.
                     AND cause NOT LIKE 'saas-deactivate:%' AND cause NOT LIKE '%:manager'",
            ),
            (
                "a link leads to nobody",
                "SELECT count(*) FROM link WHERE person NOT IN (SELECT id FROM person)",
            ),
            (
                "a link has no document",
                "SELECT count(*) FROM link l WHERE NOT EXISTS (SELECT 1 FROM document d WHERE d.id = l.document)",
            ),
            (
                "a document belongs to no link",
                "SELECT count(*) FROM document WHERE id NOT IN (SELECT document FROM link)
                   AND id NOT IN (SELECT document FROM staged WHERE document IS NOT NULL)
                   AND id NOT IN (SELECT document FROM former_link WHERE document IS NOT NULL)",
            ),
            (
                "a person in the ledger is not there",
                "SELECT count(*) FROM change c JOIN run r ON r.id = c.run
                 WHERE r.state = 'applied' AND c.person IS NOT NULL AND c.state IN ('flows', 'held')
                   AND c.person NOT IN (SELECT id FROM person)
                   AND NOT EXISTS (SELECT 1 FROM change d JOIN run s ON s.id = d.run
                                   WHERE d.person = c.person AND d.outcome = 'removed' AND d.state = 'flows'
                                     AND s.state = 'applied' AND d.id >= c.id)",
            ),
            (
                "somebody is locked who is not there",
                "SELECT count(*) FROM lock WHERE person NOT IN (SELECT id FROM person)",
            ),
            (
                "somebody who was erased is linked, or has values in the ledger",
                "SELECT (SELECT count(*) FROM link l JOIN tombstone t ON t.source_id = l.source_id)
                      + (SELECT count(*) FROM change WHERE (differences IS NOT NULL OR coalesce(fields, '{}') != '{}')
                           AND person IN (SELECT person FROM change WHERE cause = 'erased'))",
            ),
            (
                "a change is marked as undone by a run that did not undo it",
                "SELECT count(*) FROM change c WHERE c.undone_by IS NOT NULL AND NOT EXISTS (
                   SELECT 1 FROM change x WHERE x.undoes = c.id AND x.run = c.undone_by AND x.state = 'flows')",
            ),
            (
                "a run that failed or was given up has changes",
                "SELECT count(*) FROM change c JOIN run r ON r.id = c.run WHERE r.state = 'failed'",
            ),
            (
                "a SaaS user is not what the ledger says",
                "WITH told AS (
                   SELECT c.*, row_number() OVER (PARTITION BY application, source_id ORDER BY r.ended_at DESC, r.id DESC)
                     AS place, row_number() OVER (PARTITION BY application, source_id, active_after IS NULL
                     ORDER BY r.ended_at DESC, r.id DESC) AS place_of_status
                   FROM saas_change c JOIN run r ON r.id = c.run WHERE r.state = 'applied' AND c.state = 'flows')
                 SELECT count(*) FROM saas_user u WHERE
                   u.role IS NOT (SELECT role_after FROM told t WHERE t.application = u.application
                     AND t.source_id = u.source_id AND t.place = 1)
                   OR u.active IS NOT (SELECT active_after FROM told t WHERE t.application = u.application
                     AND t.source_id = u.source_id AND t.active_after IS NOT NULL AND t.place_of_status = 1)",
            ),
        ] {
            assert_eq!(self.number(sql), 0, "{what}");
        }
    }

    fn people_are_what_the_ledger_says(&self) {
        let sql = self.sql();
        let mut query = sql
            .prepare(
                "SELECT c.person, c.fields, c.differences, c.active_after, c.outcome FROM change c JOIN run r ON r.id = c.run
                 WHERE r.state = 'applied' AND c.state = 'flows' ORDER BY r.ended_at, r.id, c.id",
            )
            .expect("the ledger");
        let mut rows = query.query([]).expect("the ledger");
        let mut rebuilt: BTreeMap<i64, Rebuilt> = BTreeMap::new();
        while let Some(row) = rows.next().expect("a row") {
            if row.get::<_, String>(4).expect("an outcome") == "removed" {
                let id: i64 = row.get(0).expect("a person");
                assert!(rebuilt.remove(&id).is_some(), "person {id} was removed, and had not been there");
                continue;
            }
            let person = rebuilt.entry(row.get(0).expect("a person")).or_default();
            let fields: Option<String> = row.get(1).expect("fields");
            let differences: Option<String> = row.get(2).expect("differences");
            if let Some(fields) = fields {
                let fields: BTreeMap<String, Box<RawValue>> =
                    serde_json::from_str(&fields).expect("an object");
                person.fields = fields.into_iter().map(|(name, raw)| (name, raw.get().to_owned())).collect();
            }
            if let Some(differences) = differences {
                let differences: Differences = serde_json::from_str(&differences).expect("a list");
                for (field, before, after) in differences {
                    let was = person.fields.get(&field).map(String::as_str);
                    assert_eq!(was, before.as_deref().map(RawValue::get), "what `{field}` was before");
                    match after {
                        Some(after) => person.fields.insert(field, after.get().to_owned()),
                        None => person.fields.remove(&field),
                    };
                }
            }
            if let Some(active) = row.get(3).expect("a status") {
                person.active = active;
            }
        }
        let people: BTreeMap<i64, Rebuilt> = self
            .people()
            .into_iter()
            .map(|it| (it.id, Rebuilt { active: it.active, fields: it.fields }))
            .collect();
        if rebuilt != people {
            for (id, person) in &people {
                assert_eq!(rebuilt.get(id), Some(person), "person {id}: the ledger, then the table");
            }
            panic!("the ledger has {} people, the table {}", rebuilt.len(), people.len());
        }
    }

    fn keys_are_what_people_have(&self) {
        let mut expected: Vec<(i64, String, String)> = Vec::new();
        let key_fields = self.key_fields();
        for person in self.people() {
            for field in &key_fields {
                let text = person.text(field).unwrap_or_default();
                expected.extend(fold_key(&text).map(|key| (person.id, field.clone(), key.into_owned())));
            }
        }
        let sql = self.sql();
        let mut query =
            sql.prepare("SELECT person, field, key FROM person_key ORDER BY person, field").expect("keys");
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("keys");
        let keys: Vec<(i64, String, String)> = rows.map(|row| row.expect("a key")).collect();
        assert_eq!(keys, expected, "keys of people");
    }
}

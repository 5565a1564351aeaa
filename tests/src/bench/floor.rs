//! The native floor: downloads the same pages, parses every user and inserts the same rows (raw record,
//! person, keys, link, ledger) into SQLite in one transaction. No sandbox, no staging, no decisions.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Sim};
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// How long it takes.
pub(crate) fn load(sim: &Sim, first: &str) -> Result<Duration> {
    let folder = tempfile::tempdir()?;
    let mut http = Http::connect(sim)?;
    let start = Instant::now();
    let mut sql = Connection::open(folder.path().join("floor.db"))?;
    sql.pragma_update(None, "journal_mode", "WAL")?;
    sql.pragma_update(None, "synchronous", "NORMAL")?;
    sql.pragma_update(None, "cache_size", -16 * 1024)?;
    sql.execute_batch(
        "CREATE TABLE document (id INTEGER PRIMARY KEY, raw TEXT NOT NULL);
         CREATE TABLE person (id INTEGER PRIMARY KEY, active INTEGER, fields TEXT NOT NULL);
         CREATE TABLE person_key (field TEXT, key TEXT, person INTEGER, PRIMARY KEY (field, key, person)) WITHOUT ROWID;
         CREATE TABLE link (id INTEGER PRIMARY KEY, source_id TEXT NOT NULL UNIQUE, person INTEGER, document INTEGER);
         CREATE TABLE change (id INTEGER PRIMARY KEY, person INTEGER, outcome TEXT, fields TEXT);",
    )?;
    let transaction = sql.transaction()?;
    let mut next = Some(first.to_owned());
    while let Some(target) = next {
        let body = http.get(&target)?;
        let page: Page<'_> = serde_json::from_slice(&body)?;
        for raw in &page.value {
            insert(&transaction, raw)?;
        }
        next = page.next.map(|link| link[sim.origin().len()..].to_owned());
    }
    transaction.commit()?;
    Ok(start.elapsed())
}

fn insert(sql: &Connection, raw: &RawValue) -> Result<()> {
    let user: BTreeMap<&str, &RawValue> = serde_json::from_str(raw.get())?;
    let text = |name: &str| user.get(name).and_then(|it| serde_json::from_str::<String>(it.get()).ok());
    let enabled = user.get("accountEnabled").map(|it| it.get() == "true");
    let fields = serde_json::to_string(&user)?;
    sql.prepare_cached("INSERT INTO document (raw) VALUES (?1)")?.execute([raw.get()])?;
    let document = sql.last_insert_rowid();
    sql.prepare_cached("INSERT INTO person (active, fields) VALUES (?1, ?2)")?
        .execute(params![enabled, fields])?;
    let person = sql.last_insert_rowid();
    let mut key =
        sql.prepare_cached("INSERT OR IGNORE INTO person_key (field, key, person) VALUES (?1, ?2, ?3)")?;
    for (field, name) in [("username", "userPrincipalName"), ("email", "mail"), ("employee_id", "employeeId")]
    {
        if let Some(value) = text(name) {
            key.execute(params![field, value.to_lowercase(), person])?;
        }
    }
    sql.prepare_cached("INSERT INTO link (source_id, person, document) VALUES (?1, ?2, ?3)")?
        .execute(params![text("id"), person, document])?;
    sql.prepare_cached("INSERT INTO change (person, outcome, fields) VALUES (?1, 'created', ?2)")?
        .execute(params![person, fields])?;
    Ok(())
}

/// A small HTTP/1.1 client: one connection, bodies by Content-Length.
struct Http {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Http {
    fn connect(sim: &Sim) -> Result<Self> {
        let stream = TcpStream::connect(sim.address())?;
        stream.set_nodelay(true)?;
        let mut http = Self { stream: BufReader::new(stream), token: String::new() };
        let scope = format!("{}/.default", sim.origin());
        let form: String = [
            ("grant_type", "client_credentials"),
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_secret", DEFAULT_SECRET),
            ("scope", &scope),
        ]
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect::<Vec<_>>()
        .join("&");
        let request = format!(
            "POST /{DEFAULT_TENANT}/oauth2/v2.0/token HTTP/1.1\r\nHost: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            sim.address(),
            form.len()
        );
        let body = http.send(&request)?;
        let answer: serde_json::Value = serde_json::from_slice(&body)?;
        http.token = answer["access_token"].as_str().context("no token")?.to_owned();
        Ok(http)
    }

    fn get(&mut self, target: &str) -> Result<Vec<u8>> {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
            self.token
        );
        self.send(&request)
    }

    fn send(&mut self, request: &str) -> Result<Vec<u8>> {
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

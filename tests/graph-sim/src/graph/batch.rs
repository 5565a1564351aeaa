//! `POST /$batch`: up to 20 requests in one, answered in no particular order.
//! Source: Graph page "json-batching".

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Refused;
use crate::base64;
use crate::prng::Prng;
use crate::reply::{GRAPH_JSON, Reply};

/// Most parts of a batch.
const MOST_PARTS: usize = 20;

/// The parts of a batch, read.
#[derive(Debug, Deserialize)]
pub(crate) struct Batch {
    pub(crate) requests: Vec<Part>,
}

/// One request of a batch.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

impl Part {
    /// A header of this part.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Path and query below the host.
    pub(crate) fn target(&self) -> Result<(String, String), Refused> {
        if self.url.contains("://") {
            return Err(Refused::odata(format!("Invalid relative URL '{}' in a batch.", self.url)));
        }
        let (path, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        if path.trim_matches('/') == "$batch" {
            return Err(Refused::odata("A batch cannot contain a batch."));
        }
        Ok((format!("/v1.0/{}", path.trim_start_matches('/')), query.to_owned()))
    }
}

impl Batch {
    /// Reads the body of a batch.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refused> {
        let batch: Self = serde_json::from_slice(body)
            .map_err(|error| Refused::odata(format!("Unable to read JSON request payload. {error}")))?;
        let count = batch.requests.len();
        if count == 0 || count > MOST_PARTS {
            return Err(Refused::odata(format!(
                "Number of batch request steps is {count}; it must be between 1 and {MOST_PARTS}."
            )));
        }
        let mut ids = HashSet::new();
        match batch.requests.iter().find(|part| !ids.insert(part.id.as_str())) {
            Some(part) => {
                Err(Refused::odata(format!("Request id '{}' is not unique in the batch.", part.id)))
            }
            None => Ok(batch),
        }
    }
}

/// The answer of a part as it stands in the answer of the batch: JSON verbatim, everything else
/// as base64.
pub(crate) fn wrap(id: &str, reply: &Reply) -> String {
    let headers: BTreeMap<String, &String> =
        reply.headers.iter().map(|(name, value)| (title_case(name), value)).collect();
    let json: Option<&RawValue> = serde_json::from_slice(&reply.body).ok();
    let is_json = headers.get("Content-Type").is_some_and(|kind| kind.contains("json"));
    let body = match json {
        Some(raw) if is_json => raw.get().to_owned(),
        _ => format!("\"{}\"", base64::standard(&reply.body)),
    };
    let (id, status) = (json!(id), reply.status);
    format!("{{\"id\":{id},\"status\":{status},\"headers\":{},\"body\":{body}}}", json!(headers))
}

fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

/// The answer of a batch, its parts shuffled.
pub(crate) fn finish(mut parts: Vec<String>, prng: &mut Prng) -> Reply {
    for last in (1..parts.len()).rev() {
        parts.swap(last, prng.below(last as u64 + 1) as usize);
    }
    Reply::new(200, GRAPH_JSON, format!("{{\"responses\":[{}]}}", parts.join(",")))
}

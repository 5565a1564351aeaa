//! Pages remembered by what was asked, for the fast mode.

use std::collections::HashMap;

use crate::reply::Reply;

/// Answers to plain listings in one epoch. Its size is that of the listing itself.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pages: HashMap<Key, Reply>,
}

/// Path and query as sent, whether the consistency header came with it, and what the token
/// allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) target: String,
    pub(crate) consistency: Option<String>,
    pub(crate) roles: std::sync::Arc<[String]>,
}

impl Cache {
    pub(crate) fn get(&self, key: &Key) -> Option<Reply> {
        self.pages.get(key).cloned()
    }

    pub(crate) fn put(&mut self, key: Key, reply: &Reply) {
        self.pages.insert(key, reply.clone());
    }

    pub(crate) fn clear(&mut self) {
        self.pages.clear();
    }
}

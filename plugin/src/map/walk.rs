//! One pass over a raw record: values of the keys that a mapping names, borrowed; the rest skipped.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::same::same;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum PathStep {
    /// The place of an item in a list, from 0.
    Item(u32),
    /// A key of an object.
    Key(String),
}

/// A path as people write it.
pub(super) fn shown(path: &[PathStep]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            PathStep::Item(item) => text.push_str(&format!("[{item}]")),
            PathStep::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
        }
    }
    text
}

/// What stood at the end of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    /// The source did not send it.
    Absent,
    /// As it was sent.
    Value(&'a RawValue),
    /// Behind the end of a list.
    Null,
    /// On the way there stood something that is no object, or no list.
    NoObject { value: &'a RawValue },
}

/// A key that paths go through, or end at.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Where the value goes, if a path ends here.
    pub(super) slot: Option<usize>,
    /// Keys below, by their length in bytes: few keys share one, so that a look-up compares little.
    below: Vec<Vec<(Box<str>, Node)>>,
    /// Items of a list, by their place.
    items: Vec<(usize, Node)>,
}

impl Node {
    /// The node of a path, made where there is none.
    pub(super) fn at<'n>(&'n mut self, path: &[PathStep]) -> &'n mut Self {
        let Some((step, rest)) = path.split_first() else {
            return self;
        };
        let key = match step {
            PathStep::Key(key) => key,
            PathStep::Item(item) => {
                let item = *item as usize;
                let at = self.items.iter().position(|(known, _)| *known == item).unwrap_or_else(|| {
                    self.items.push((item, Self::default()));
                    self.items.len() - 1
                });
                return self.items[at].1.at(rest);
            }
        };
        if self.below.len() <= key.len() {
            self.below.resize_with(key.len() + 1, Vec::new);
        }
        let bucket = &mut self.below[key.len()];
        let at = match bucket.iter().position(|(known, _)| **known == **key) {
            Some(at) => at,
            None => {
                bucket.push((key.as_str().into(), Self::default()));
                bucket.len() - 1
            }
        };
        bucket[at].1.at(rest)
    }

    fn child(&self, key: &str) -> Option<&Self> {
        let bucket = self.below.get(key.len())?;
        let found = bucket.iter().find(|(known, _)| same(known, key));
        found.map(|(_, node)| node)
    }

    fn children(&self) -> impl Iterator<Item = &Self> {
        let items = self.items.iter().map(|(_, node)| node);
        self.below.iter().flatten().map(|(_, node)| node).chain(items)
    }

    /// The keys below.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.below.iter().flatten().map(|(key, _)| &**key)
    }

    /// Gives every path that ends below this node the same answer.
    fn fill_below<'a>(&self, found: &mut [Found<'a>], with: Found<'a>) {
        for child in self.children() {
            child.fill(found, with);
        }
    }

    /// The same, and for the one that ends here.
    fn fill<'a>(&self, found: &mut [Found<'a>], with: Found<'a>) {
        if let Some(slot) = self.slot {
            found[slot] = with;
        }
        self.fill_below(found, with);
    }

    /// Takes the value of this node's key.
    fn take<'a>(&self, value: &'a RawValue, found: &mut [Found<'a>]) -> Result<(), serde_json::Error> {
        if let Some(slot) = self.slot {
            found[slot] = Found::Value(value);
        }
        if self.below.is_empty() && self.items.is_empty() {
            return Ok(());
        }
        match value.get().as_bytes().first() {
            Some(b'[') if !self.items.is_empty() => {
                self.fill_below(found, Found::Null);
                // One that has keys below as well finds no object here.
                for child in self.below.iter().flatten().map(|(_, node)| node) {
                    child.fill(found, Found::NoObject { value });
                }
                let mut deserializer = serde_json::Deserializer::from_str(value.get());
                deserializer.deserialize_seq(Items { node: self, found })
            }
            Some(b'{') if !self.below.is_empty() => {
                // An earlier value of the same key says nothing any more.
                self.fill_below(found, Found::Absent);
                for (_, child) in &self.items {
                    child.fill(found, Found::NoObject { value });
                }
                walk(self, value.get(), found)
            }
            // Where the object itself is null, so is what would stand in it.
            Some(b'n') => {
                self.fill_below(found, Found::Value(value));
                Ok(())
            }
            _ => {
                self.fill_below(found, Found::NoObject { value });
                Ok(())
            }
        }
    }
}

/// Reads one object. Nested ones are read again, and no deeper than a path goes.
pub(super) fn walk<'a>(node: &Node, text: &'a str, found: &mut [Found<'a>]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Walk { node, found }.deserialize(&mut deserializer)?;
    deserializer.end()
}

struct Walk<'n, 'f, 'a> {
    node: &'n Node,
    found: &'f mut [Found<'a>],
}

impl<'a> DeserializeSeed<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(child) = map.next_key_seed(Below(self.node))? {
            match child {
                Some(child) => child.take(map.next_value()?, self.found).map_err(serde::de::Error::custom)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Takes the items of a list that paths go through.
struct Items<'n, 'f, 'a> {
    node: &'n Node,
    found: &'f mut [Found<'a>],
}

impl<'a> Visitor<'a> for Items<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some(value) = list.next_element::<&'a RawValue>()? {
            for (_, child) in self.node.items.iter().filter(|(item, _)| *item == place) {
                child.fill_below(self.found, Found::Absent);
                child.take(value, self.found).map_err(serde::de::Error::custom)?;
            }
            place += 1;
        }
        Ok(())
    }
}

/// Looks a key up without keeping it.
struct Below<'n>(&'n Node);

impl<'a, 'n> DeserializeSeed<'a> for Below<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Below<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.child(key))
    }
}

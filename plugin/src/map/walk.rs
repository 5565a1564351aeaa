//! One pass over a raw record: values of the keys that a mapping names, borrowed; the rest skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What stood at the end of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    /// The source did not send it.
    Absent,
    /// As it was sent.
    Value(&'a RawValue),
    /// On the way there stood something that is no object.
    NoObject { value: &'a RawValue },
}

/// A key that paths go through, or end at.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Where the value goes, if a path ends here.
    pub(super) slot: Option<usize>,
    /// Keys below, by their length in bytes: few keys share one, so that a look-up compares little.
    below: Vec<Vec<(Box<str>, Node)>>,
}

impl Node {
    /// The node of a path, made where there is none.
    pub(super) fn at<'n>(&'n mut self, path: &[String]) -> &'n mut Self {
        let Some((key, rest)) = path.split_first() else {
            return self;
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
        let found = bucket.iter().find(|(known, _)| **known == *key);
        found.map(|(_, node)| node)
    }

    fn children(&self) -> impl Iterator<Item = &Self> {
        self.below.iter().flatten().map(|(_, node)| node)
    }

    /// Gives every path that ends below this node the same answer.
    fn fill_below<'a>(&self, found: &mut [Found<'a>], with: Found<'a>) {
        for child in self.children() {
            if let Some(slot) = child.slot {
                found[slot] = with;
            }
            child.fill_below(found, with);
        }
    }

    /// Takes the value of this node's key.
    fn take<'a>(&self, value: &'a RawValue, found: &mut [Found<'a>]) -> Result<(), serde_json::Error> {
        if let Some(slot) = self.slot {
            found[slot] = Found::Value(value);
        }
        if self.below.is_empty() {
            return Ok(());
        }
        match value.get().as_bytes().first() {
            Some(b'{') => {
                // An earlier value of the same key says nothing any more.
                self.fill_below(found, Found::Absent);
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

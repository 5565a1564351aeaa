//! What was compiled from a text, remembered by the text.

use std::rc::Rc;

use crate::same::same;

/// A host has one mapping for each integration; more than this in one instance compile again.
const REMEMBERED: usize = 8;

/// The latest few.
pub(crate) struct Memo<T>(Vec<(String, Rc<T>)>);

impl<T> Memo<T> {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// What the text compiles to. An error is not remembered.
    pub(crate) fn get<E>(
        &mut self,
        text: &str,
        compile: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Rc<T>, E> {
        if let Some(at) = self.0.iter().position(|(known, _)| same(known, text)) {
            // The last one asked for stands first, so that the next call finds it at once.
            self.0.swap(0, at);
            return Ok(Rc::clone(&self.0[0].1));
        }
        let compiled = Rc::new(compile(text)?);
        self.0.truncate(REMEMBERED - 1);
        self.0.insert(0, (text.to_owned(), Rc::clone(&compiled)));
        Ok(compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiles_once() {
        let mut memo = Memo::new();
        let mut times = 0;
        for text in ["1", "2", "1", "2", "2"] {
            let value = memo.get(text, |text| {
                times += 1;
                text.parse::<u32>()
            });
            assert_eq!(value.unwrap().to_string(), text);
        }
        assert_eq!(times, 2);
        assert!(memo.get("x", str::parse::<u32>).is_err());
        for n in 0..100_u32 {
            assert_eq!(*memo.get(&n.to_string(), str::parse::<u32>).unwrap(), n);
        }
        assert_eq!(memo.0.len(), REMEMBERED);
    }
}

//! What a run says of itself while it goes on.

/// Hears how far a run is. Called from several threads.
pub trait Progress: Send + Sync {
    /// A stage begins; `total` is how many people it has, when that is known.
    fn stage(&self, name: &str, total: Option<u64>);

    /// So many people more are done.
    fn advance(&self, people: u64);

    /// Something worth saying happened: a retry, a restart, a resumed run.
    fn note(&self, text: &str);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _name: &str, _total: Option<u64>) {}
    fn advance(&self, _people: u64) {}
    fn note(&self, _text: &str) {}
}

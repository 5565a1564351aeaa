//! What one run of a plugin may use beside the network.

use std::time::Duration;

/// What one run may use. Each call has limits of its own (`engine::Limits`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBudget {
    /// Time on a processor, of all calls together.
    pub cpu: Duration,
    /// Time by the clock, waiting included.
    pub wall: Duration,
    /// Bytes of memory that one instance may have. None = the engine's own limit, which is the most there is.
    pub memory: Option<usize>,
}

impl Default for RunBudget {
    /// Half an hour of processor, which is a hundred times what a million users take, and a day.
    fn default() -> Self {
        Self { cpu: Duration::from_secs(30 * 60), wall: Duration::from_secs(24 * 60 * 60), memory: None }
    }
}

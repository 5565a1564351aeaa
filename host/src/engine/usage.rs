//! What a session used: the receipt of a run.

use crate::capabilities::Traffic;
use serde::Serialize;

/// Sums of one session, over every instance that it needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Calls into the plugin.
    pub calls: u64,
    /// Instances that were made. One for each call that was stopped, and one for some hundred requests.
    pub instances: u64,
    /// Time on a processor, host work on behalf of the plugin included, in milliseconds.
    pub cpu_ms: u64,
    /// The most memory that one instance held, in bytes.
    pub memory_peak: u64,
    /// Log lines that were kept.
    pub log_lines: u64,
    /// Log lines that went over a limit.
    pub log_dropped: u64,
    /// What went over the network; all zero for a session without one.
    pub traffic: Traffic,
}

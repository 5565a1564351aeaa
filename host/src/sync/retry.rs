//! Whether a failed call is made again. The only place where that is decided.

use std::time::Duration;

use super::report::Cost;
use crate::engine::CallError;
use crate::engine::contract::Error;

/// What follows a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The same call again, after this long.
    Again(Duration),
    /// The listing starts over.
    StartOver,
    /// The run ends.
    Stop,
}

/// How many times one call is made again for errors that pass by themselves.
const ATTEMPTS: u32 = 5;
/// How many times one call is made again because the source asked for time.
const THROTTLES: u32 = 30;
/// The first wait; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait for one answer, asked for or not. Graph's own libraries stop at 180 s.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The longest that one run waits in all.
const BUDGET: Duration = Duration::from_secs(30 * 60);

/// Counts what a run waits for, and decides.
#[derive(Debug, Default)]
pub struct Retry {
    attempts: u32,
    throttles: u32,
    /// What was spent so far.
    pub cost: Cost,
}

impl Retry {
    /// A call went well: the next one begins anew.
    pub fn success(&mut self) {
        self.attempts = 0;
        self.throttles = 0;
    }

    /// A call failed.
    pub fn failure(&mut self, error: &CallError) -> Disposition {
        let wait = match kind(error) {
            Kind::Throttled(asked) => {
                self.throttles += 1;
                self.cost.throttled += 1;
                (self.throttles <= THROTTLES).then(|| asked.unwrap_or_else(|| backoff(self.throttles)))
            }
            Kind::Passing => {
                self.attempts += 1;
                (self.attempts <= ATTEMPTS).then(|| backoff(self.attempts))
            }
            Kind::Expired => return Disposition::StartOver,
            Kind::Final => None,
        };
        let Some(wait) = wait.map(|it| it.min(LONGEST_WAIT)) else { return Disposition::Stop };
        let waited = Duration::from_millis(self.cost.waited) + wait;
        if waited > BUDGET {
            return Disposition::Stop;
        }
        self.cost.retries += 1;
        self.cost.waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        Disposition::Again(wait)
    }
}

enum Kind {
    Throttled(Option<Duration>),
    Passing,
    Expired,
    Final,
}

fn kind(error: &CallError) -> Kind {
    let Some(told) = error.contract() else {
        return if matches!(error, CallError::Deadline { .. }) { Kind::Passing } else { Kind::Final };
    };
    match told {
        Error::Throttled(after) => Kind::Throttled(after.map(Duration::from_millis)),
        Error::CursorExpired => Kind::Expired,
        Error::Unreachable(_) => Kind::Passing,
        Error::Upstream(answer) if matches!(answer.status, 408 | 500 | 502 | 503 | 504) => Kind::Passing,
        // An answer that is no Graph answer: a proxy or a half-sent body; it may be whole the next time.
        Error::Malformed(_) => Kind::Passing,
        Error::AuthRejected(_)
        | Error::DeniedByHost(_)
        | Error::Upstream(_)
        | Error::Settings(_)
        | Error::Internal(_) => Kind::Final,
    }
}

fn backoff(attempt: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(12))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Disposition, Retry};
    use crate::engine::contract::{Error, Upstream};
    use crate::engine::{CallError, PluginFailure};

    fn plugin(error: Error) -> CallError {
        CallError::Plugin(Box::new(PluginFailure { error, denials: Vec::new(), fault: None }))
    }

    fn upstream(status: u16) -> CallError {
        plugin(Error::Upstream(Upstream {
            status,
            code: String::new(),
            message: String::new(),
            request_id: None,
        }))
    }

    #[test]
    fn waits_as_long_as_the_source_asks() {
        let mut retry = Retry::default();
        let asked = plugin(Error::Throttled(Some(2128)));
        assert_eq!(retry.failure(&asked), Disposition::Again(Duration::from_millis(2128)));
        assert_eq!((retry.cost.throttled, retry.cost.waited), (1, 2128));
    }

    #[test]
    fn a_passing_error_is_tried_again_a_few_times() {
        let mut retry = Retry::default();
        for _ in 0..5 {
            assert!(matches!(retry.failure(&upstream(503)), Disposition::Again(_)));
        }
        assert_eq!(retry.failure(&upstream(503)), Disposition::Stop);
        retry.success();
        assert!(matches!(retry.failure(&upstream(503)), Disposition::Again(_)), "the next call begins anew");
    }

    #[test]
    fn what_does_not_pass_stops() {
        assert_eq!(Retry::default().failure(&upstream(400)), Disposition::Stop);
        assert_eq!(Retry::default().failure(&upstream(403)), Disposition::Stop);
        let expired = plugin(Error::CursorExpired);
        assert_eq!(Retry::default().failure(&expired), Disposition::StartOver);
    }

    #[test]
    fn the_budget_ends_a_storm() {
        let mut retry = Retry::default();
        let asked = plugin(Error::Throttled(Some(3_600_000)));
        let mut waits = 0;
        while let Disposition::Again(wait) = retry.failure(&asked) {
            assert_eq!(wait, Duration::from_secs(300), "clamped");
            waits += 1;
        }
        assert_eq!(waits, 6, "half an hour in all");
    }
}

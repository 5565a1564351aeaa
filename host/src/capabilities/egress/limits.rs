//! The numbers that bound one request.

use std::time::Duration;

/// What one request may take. A guest may ask for less time, never for more.
#[derive(Clone, Copy, Debug)]
pub struct EgressLimits {
    /// Name resolution, TCP and TLS together.
    pub connect: Duration,
    /// From the connection to the end of the reply's head.
    pub first_byte: Duration,
    /// Between two pieces of the reply's body.
    pub between_bytes: Duration,
    /// From the first byte of the request to the last of the reply.
    pub total: Duration,
    /// Bytes of a request's body.
    pub request_body: usize,
    /// Bytes of a request's path and query, and of its headers.
    pub request_head: usize,
    /// Header lines of a reply.
    pub reply_headers: usize,
    /// Bytes of a reply's head.
    pub reply_head: usize,
    /// Bytes of a reply's body as sent.
    pub reply_wire: u64,
    /// Bytes of a reply's body after decoding.
    pub reply_decoded: u64,
    /// How many times larger than sent a reply may become...
    pub ratio: u64,
    /// ...once it has become this large.
    pub ratio_from: u64,
    /// Bytes of the reply to a request that carried a secret.
    pub secret_reply: usize,
    /// Requests of one session that are under way at the same time.
    pub in_flight: usize,
    /// How long an unused connection is kept.
    pub idle: Duration,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            between_bytes: Duration::from_secs(30),
            total: Duration::from_secs(180),
            request_body: 1 << 20,
            request_head: 32 << 10,
            reply_headers: 128,
            reply_head: 64 << 10,
            reply_wire: 64 << 20,
            reply_decoded: 64 << 20,
            ratio: 200,
            ratio_from: 1 << 20,
            secret_reply: 64 << 10,
            in_flight: 8,
            idle: Duration::from_secs(60),
        }
    }
}

/// The time limits that a guest asked for. None = the host's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// To connect. The host's limit applies to the connection itself; this one bounds the head's.
    pub connect: Option<Duration>,
    /// To the end of the head.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the body.
    pub between_bytes: Option<Duration>,
}

impl EgressLimits {
    /// How long the head may take: zero is as short as it gets, huge is the host's own limit.
    pub(super) fn head(&self, wishes: &Wishes) -> Duration {
        clamp(wishes.connect, self.connect) + clamp(wishes.first_byte, self.first_byte)
    }

    /// How long a pause in the body may be.
    pub(super) fn pause(&self, wishes: &Wishes) -> Duration {
        clamp(wishes.between_bytes, self.between_bytes)
    }
}

fn clamp(wish: Option<Duration>, most: Duration) -> Duration {
    wish.unwrap_or(most).clamp(Duration::from_millis(1).min(most), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_can_only_shorten_its_time() {
        let limits = EgressLimits::default();
        let wish = |wish| Wishes { connect: wish, first_byte: wish, between_bytes: wish };
        assert_eq!(limits.head(&wish(None)), Duration::from_secs(70));
        assert_eq!(limits.head(&wish(Some(Duration::from_nanos(u64::MAX)))), Duration::from_secs(70));
        assert_eq!(limits.head(&wish(Some(Duration::MAX))), Duration::from_secs(70));
        assert_eq!(limits.head(&wish(Some(Duration::ZERO))), Duration::from_millis(2));
        assert_eq!(limits.pause(&wish(Some(Duration::MAX))), Duration::from_secs(30));
        assert_eq!(limits.pause(&wish(Some(Duration::from_secs(5)))), Duration::from_secs(5));
    }
}

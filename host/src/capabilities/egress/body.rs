//! A reply's body under limits: time, size as sent, size decoded, ratio, the session's budget.

use super::fault::{Fault, Refusal, of_hyper};
use super::limits::EgressLimits;
use super::traffic::Ledger;
use crate::capabilities::origin::Origin;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

/// The body of a reply. An error is the last thing that it yields.
pub struct ReplyBody(State);

enum State {
    /// As it comes.
    Stream(Box<Stream>),
    /// Read and searched already. None once it was handed out.
    Whole(Option<Bytes>),
}

pub(super) struct Stream {
    /// None once the end was reached or something failed: the connection goes back or is closed.
    incoming: Option<Incoming>,
    origin: Origin,
    limits: EgressLimits,
    ledger: Arc<Ledger>,
    pause: Duration,
    stall: Pin<Box<Sleep>>,
    deadline: Pin<Box<Sleep>>,
    wire: u64,
    gzip: Option<MultiGzDecoder<Sink>>,
    /// Came from the wire, not decoded yet.
    waiting: VecDeque<Bytes>,
    /// Whether a failure is written down here; if not, by whoever reads the body.
    reports: bool,
    _permit: OwnedSemaphorePermit,
}

/// How many bytes are decoded at a time, so that a bomb is noticed while it is small.
const SLICE: usize = 4 << 10;

impl ReplyBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(State::Whole(Some(bytes)))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one fact about one reply, and there is one caller"
    )]
    pub(super) fn stream(
        incoming: Incoming,
        gzip: bool,
        origin: Origin,
        limits: EgressLimits,
        ledger: Arc<Ledger>,
        pause: Duration,
        deadline: Instant,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self(State::Stream(Box::new(Stream {
            incoming: Some(incoming),
            origin,
            limits,
            ledger,
            pause,
            stall: Box::pin(tokio::time::sleep(pause)),
            deadline: Box::pin(tokio::time::sleep_until(deadline)),
            wire: 0,
            gzip: gzip.then(|| MultiGzDecoder::new(Sink::new(&limits))),
            waiting: VecDeque::new(),
            reports: true,
            _permit: permit,
        })))
    }
}

impl ReplyBody {
    /// Leaves it to the reader to write a failure down.
    pub(super) fn unreported(mut self) -> Self {
        if let State::Stream(stream) = &mut self.0 {
            stream.reports = false;
        }
        self
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Refusal;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Refusal>>> {
        match &mut self.get_mut().0 {
            State::Whole(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            State::Stream(stream) => stream.poll(cx).map(|next| {
                next.map(|piece| {
                    piece.map(Frame::data).inspect_err(|refusal| {
                        stream.incoming = None;
                        stream.waiting.clear();
                        if stream.reports {
                            stream.ledger.refused(refusal);
                        }
                    })
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            State::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            State::Stream(stream) => stream.incoming.is_none() && stream.waiting.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            State::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            State::Stream(_) => SizeHint::default(),
        }
    }
}

impl Stream {
    /// The next piece, decoded.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Refusal>>> {
        loop {
            if let Some(slice) = self.next_slice() {
                match self.decode(&slice) {
                    Ok(piece) if piece.is_empty() => continue,
                    done => return Poll::Ready(Some(done)),
                }
            }
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            if self.deadline.as_mut().poll(cx).is_ready() {
                let (origin, after) = (self.origin.clone(), self.limits.total);
                return Poll::Ready(Some(Err(Fault::Overdue { origin, after }.into())));
            }
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Pending => {
                    if self.stall.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    let (origin, after) = (self.origin.clone(), self.pause);
                    return Poll::Ready(Some(Err(Fault::Stalled { origin, after }.into())));
                }
                Poll::Ready(None) => {
                    self.incoming = None;
                    return match self.finish() {
                        Ok(rest) if rest.is_empty() => Poll::Ready(None),
                        last => Poll::Ready(Some(last)),
                    };
                }
                Poll::Ready(Some(Err(error))) => {
                    let limits = (self.limits.reply_head, self.limits.reply_headers);
                    return Poll::Ready(Some(Err(of_hyper(&error, &self.origin, limits).into())));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    self.stall.as_mut().reset(Instant::now() + self.pause);
                    // Trailers are dropped: nobody needs them, and they would pass the header filter by.
                    let Ok(bytes) = frame.into_data() else { continue };
                    if let Err(refusal) = self.take(bytes) {
                        return Poll::Ready(Some(Err(refusal)));
                    }
                }
            }
        }
    }

    fn take(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        self.wire += bytes.len() as u64;
        self.ledger.wire(bytes.len() as u64);
        if self.wire > self.limits.reply_wire {
            return Err(Fault::TooLarge { origin: self.origin.clone(), limit: self.limits.reply_wire }.into());
        }
        self.waiting.push_back(bytes);
        Ok(())
    }

    fn next_slice(&mut self) -> Option<Bytes> {
        let front = self.waiting.front_mut()?;
        if self.gzip.is_some() && front.len() > SLICE {
            return Some(front.split_to(SLICE));
        }
        self.waiting.pop_front()
    }

    fn decode(&mut self, slice: &Bytes) -> Result<Bytes, Refusal> {
        let Some(gzip) = &mut self.gzip else {
            let decoded = self.wire - self.waiting.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
            if decoded > self.limits.reply_decoded {
                return Err(Fault::TooLarge {
                    origin: self.origin.clone(),
                    limit: self.limits.reply_decoded,
                }
                .into());
            }
            self.ledger.received(slice.len() as u64)?;
            return Ok(slice.clone());
        };
        gzip.get_mut().fed += slice.len() as u64;
        // `flush` hands over what the decoder still holds, so that a slow answer is not kept back.
        let done = gzip.write_all(slice).and_then(|()| gzip.flush());
        self.drain(done)
    }

    fn finish(&mut self) -> Result<Bytes, Refusal> {
        let Some(gzip) = &mut self.gzip else { return Ok(Bytes::new()) };
        // A reply without a body (304, HEAD) may still name its encoding.
        let done = if self.wire == 0 { Ok(()) } else { gzip.try_finish() };
        let rest = self.drain(done);
        self.gzip = None;
        rest
    }

    fn drain(&mut self, done: io::Result<()>) -> Result<Bytes, Refusal> {
        let Some(gzip) = &mut self.gzip else { return Ok(Bytes::new()) };
        let sink = gzip.get_mut();
        let origin = self.origin.clone();
        match (done, sink.over) {
            (_, Some(Over::Size)) => Err(Fault::TooLarge { origin, limit: self.limits.reply_decoded }.into()),
            (_, Some(Over::Ratio)) => Err(Fault::Bomb { origin, ratio: self.limits.ratio }.into()),
            (Err(error), None) => Err(Fault::BadGzip { origin, why: error.to_string() }.into()),
            (Ok(()), None) => {
                let piece = Bytes::from(std::mem::take(&mut sink.piece));
                self.ledger.received(piece.len() as u64)?;
                Ok(piece)
            }
        }
    }
}

/// Takes decoded bytes until a limit is reached.
struct Sink {
    piece: Vec<u8>,
    fed: u64,
    produced: u64,
    most: u64,
    ratio: u64,
    ratio_from: u64,
    over: Option<Over>,
}

#[derive(Clone, Copy)]
enum Over {
    Size,
    Ratio,
}

impl Sink {
    fn new(limits: &EgressLimits) -> Self {
        let EgressLimits { reply_decoded: most, ratio, ratio_from, .. } = *limits;
        Self { piece: Vec::new(), fed: 0, produced: 0, most, ratio, ratio_from, over: None }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.produced += bytes.len() as u64;
        if self.produced > self.most {
            self.over = Some(Over::Size);
        } else if self.produced > self.ratio_from && self.produced > self.fed.saturating_mul(self.ratio) {
            self.over = Some(Over::Ratio);
        }
        if self.over.is_some() {
            return Err(io::Error::other("over a limit"));
        }
        self.piece.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

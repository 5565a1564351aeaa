//! Bodies as they go over the wire: whole, in pieces, broken off, or far too long.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// How long a broken-off body waits before the end, so that the first part gets through.
const BREATH: Duration = Duration::from_millis(30);
const CHUNK: u64 = 64 * 1024;
const HEAD: &[u8] = b"{\"value\":[";
const TAIL: &[u8] = b"]}";

/// A body.
pub(crate) enum Flow {
    /// All at once.
    Whole(Option<Bytes>),
    /// Piece by piece, with pauses between.
    Pieces(Pieces),
    /// Blanks within right JSON.
    Blanks(Blanks),
    /// The same, gzipped.
    Bomb(Blanks, Box<GzEncoder<Vec<u8>>>),
    /// Nothing more.
    Over,
}

/// A body in pieces.
pub(crate) struct Pieces {
    rest: Bytes,
    size: usize,
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    /// Ends with an error after the last piece.
    broken: bool,
}

/// How much of a long body is still to come.
pub(crate) struct Blanks {
    total: u64,
    sent: u64,
}

impl Flow {
    /// So many bytes, then a pause, and so on. The length is not announced.
    pub(crate) fn pieces(bytes: Bytes, size: usize, pause: Duration) -> Self {
        Self::Pieces(Pieces { rest: bytes, size: size.max(1), pause, waiting: None, broken: false })
    }

    /// The first half, then the connection breaks.
    pub(crate) fn half(bytes: &Bytes) -> Self {
        let half = bytes.slice(..bytes.len() / 2);
        let size = half.len().max(1);
        Self::Pieces(Pieces { rest: half, size, pause: BREATH, waiting: None, broken: true })
    }

    /// JSON of this many bytes, at least those of the frame.
    pub(crate) fn blanks(total: u64) -> (Self, u64) {
        let total = total.max((HEAD.len() + TAIL.len()) as u64);
        (Self::Blanks(Blanks { total, sent: 0 }), total)
    }

    /// JSON that unpacks to this many bytes.
    pub(crate) fn bomb(total: u64) -> Self {
        let total = total.max((HEAD.len() + TAIL.len()) as u64);
        let encoder = GzEncoder::new(Vec::new(), Compression::fast());
        Self::Bomb(Blanks { total, sent: 0 }, Box::new(encoder))
    }
}

impl Blanks {
    fn next(&mut self) -> Option<Bytes> {
        let left = self.total - self.sent;
        let tail = TAIL.len() as u64;
        let piece = match (self.sent, left) {
            (_, 0) => return None,
            (0, _) => Bytes::from_static(HEAD),
            (_, left) if left <= tail => Bytes::from_static(TAIL),
            (_, left) => {
                static BLANKS: [u8; CHUNK as usize] = [b' '; CHUNK as usize];
                let size = CHUNK.min(left - tail) as usize;
                Bytes::from_static(&BLANKS[..size])
            }
        };
        self.sent += piece.len() as u64;
        Some(piece)
    }
}

impl Pieces {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        if let Some(waiting) = &mut self.waiting {
            if waiting.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
        if self.rest.is_empty() {
            let end = self.broken.then(|| Err(io::Error::other("a fault of the simulator")));
            return Poll::Ready(end);
        }
        let piece = self.rest.split_to(self.size.min(self.rest.len()));
        if !self.pause.is_zero() && (self.broken || !self.rest.is_empty()) {
            self.waiting = Some(Box::pin(tokio::time::sleep(self.pause)));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

/// Packs blanks until there is something worth sending.
fn pack(blanks: &mut Blanks, encoder: &mut GzEncoder<Vec<u8>>) -> io::Result<Option<Bytes>> {
    for _ in 0..64 {
        let Some(piece) = blanks.next() else {
            encoder.try_finish()?;
            let rest = std::mem::take(encoder.get_mut());
            return Ok((!rest.is_empty()).then(|| rest.into()));
        };
        encoder.write_all(&piece)?;
    }
    encoder.flush()?;
    Ok(Some(std::mem::take(encoder.get_mut()).into()))
}

impl Body for Flow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = match &mut *self {
            Self::Whole(bytes) => bytes.take().filter(|bytes| !bytes.is_empty()).map(Ok),
            Self::Pieces(pieces) => match pieces.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(piece) => piece,
            },
            Self::Blanks(blanks) => blanks.next().map(Ok),
            Self::Bomb(blanks, encoder) => match pack(blanks, encoder) {
                Ok(piece) => piece.map(Ok),
                Err(error) => Some(Err(error)),
            },
            Self::Over => None,
        };
        if piece.is_none() {
            *self = Self::Over;
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Over => true,
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Over => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}

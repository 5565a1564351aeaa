//! wasi:http on one side, the door on the other.

use crate::capabilities::egress::Wishes;
use crate::capabilities::{Denial, Door, Fault, Refusal};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt;
use std::future::Future;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// Hands a guest's requests to the session's door.
pub(super) struct Network(pub(super) Door);

type Worker = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(Response<WasiBody>, Worker), Error>> + Send>;

impl WasiHttpHooks for Network {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Worker,
    ) -> Sent {
        let door = self.0.clone();
        let options = options.unwrap_or_default();
        let wishes = Wishes {
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        };
        Box::new(async move {
            let (parts, body) = request.into_parts();
            let body = match whole(body, &door).await {
                Ok(body) => body,
                Err(denial) => {
                    let refusal = Refusal::Denied(denial);
                    door.refused(&refusal);
                    return Err(code(&refusal));
                }
            };
            let reply = door.send(Request::from_parts(parts, body), wishes).await;
            let reply = reply.map_err(|refusal| code(&refusal))?;
            let reply = reply.map(|body| body.map_err(|refusal| code(&refusal)).boxed_unsync());
            Ok((reply, Box::new(async { Ok(()) }) as Worker))
        })
    }
}

/// A guest's body, buffered: placeholders in it are swapped as a whole, and its length is the host's to say.
async fn whole(mut body: WasiBody, door: &Door) -> Result<Bytes, Denial> {
    let limits = door.limits();
    let refuse = |why: &str| Denial::Request { why: why.to_owned() };
    let read = async {
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| refuse("the plugin gave its body up"))?;
            let bytes = frame.into_data().map_err(|_| refuse("it has trailers"))?;
            if whole.len() + bytes.len() > limits.request_body {
                return Err(crate::capabilities::egress::too_large(limits));
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.freeze())
    };
    match tokio::time::timeout(limits.total, read).await {
        Ok(read) => read,
        Err(_) => Err(refuse("the plugin did not finish its body in time")),
    }
}

/// What a guest is told: the kind, never the layer or the reason.
fn code(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::Denied(Denial::Address { .. }) => Error::DestinationIpProhibited,
        Refusal::Denied(_) => Error::HttpRequestDenied,
        Refusal::Failed(fault) => match fault {
            Fault::Resolve { .. } => Error::DnsError { rcode: None, info_code: None },
            Fault::ConnectTimeout { .. } => Error::ConnectionTimeout,
            Fault::Connect { .. } => Error::ConnectionRefused,
            Fault::Tls { .. } => Error::TlsCertificateError,
            Fault::HeadTimeout { .. } => Error::HttpResponseTimeout,
            Fault::HeadTooLarge { .. } => Error::HttpResponseHeaderSectionSize(None),
            Fault::NotHttp { .. } => Error::HttpProtocolError,
            Fault::Stalled { .. } | Fault::Overdue { .. } => Error::ConnectionReadTimeout,
            Fault::Cut { .. } | Fault::Withheld { .. } => Error::HttpResponseIncomplete,
            Fault::TooLarge { .. } | Fault::Bomb { .. } => Error::HttpResponseBodySize(None),
            Fault::Encoding { .. } | Fault::BadGzip { .. } => Error::HttpResponseContentCoding(None),
        },
    }
}

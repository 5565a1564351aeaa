//! Requests through the door against requests of a bare client: same server, same run, one after the other on one
//! connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use userload::capabilities::egress::Wishes;
use userload::capabilities::{Door, Egress, EgressOptions, Grant, Grants, Origin, SecretSet, TrafficBudget};

use super::Scenario;
use crate::Options;
use crate::report::{Row, ratios};

pub(super) const SCENARIO: Scenario =
    Scenario { name: "door", about: "requests through the door, beside a bare hyper client", run };

/// Bytes of a reply, how many requests are made for it, and what it stands for.
const REPLIES: [(usize, u32, &str); 2] =
    [(1 << 10, 4_000, "replies of 1 KiB"), (1 << 20, 200, "replies of 1 MiB")];

fn run(options: &Options) -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    for (size, times, name) in REPLIES {
        let address = serve(size)?;
        let (mut door, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..options.runs {
            bare.push(runtime.block_on(through_client(address, size, times))?);
            door.push(runtime.block_on(through_door(address, size, times))?);
        }
        let rate =
            |times_taken: &[f64]| times_taken.iter().map(|it| f64::from(times) / it).collect::<Vec<_>>();
        rows.push(Row::new(format!("bare client, {name}"), "requests/s", rate(&bare)));
        let through = Row::new(format!("the door, {name}"), "requests/s", rate(&door));
        rows.push(through.against("the bare client's time", ratios(&door, &bare)));
    }
    Ok(rows)
}

/// Seconds for so many requests; the first one, which connects, is not counted.
async fn through_door(address: SocketAddr, size: usize, times: u32) -> Result<f64> {
    let origin: Origin = format!("http://{address}").parse()?;
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), true)]);
    let budget = TrafficBudget { requests: u64::from(times) + 1, ..unbounded() };
    let egress = Arc::new(Egress::new(EgressOptions::default())?);
    let door = Door::new(egress, grants, SecretSet::none(), budget);
    let mut start = Instant::now();
    for number in 0..=times {
        let request = http::Request::get(format!("{origin}/users")).body(Bytes::new())?;
        let reply = door.send(request, Wishes::default()).await;
        let reply = reply.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        ensure!(reply.into_body().collect().await?.to_bytes().len() == size, "another reply");
        if number == 0 {
            start = Instant::now();
        }
    }
    Ok(start.elapsed().as_secs_f64())
}

fn unbounded() -> TrafficBudget {
    TrafficBudget { sent: u64::MAX, received: u64::MAX, ..TrafficBudget::default() }
}

async fn through_client(address: SocketAddr, size: usize, times: u32) -> Result<f64> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(10)));
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let mut start = Instant::now();
    for number in 0..=times {
        let request = http::Request::get(format!("http://{address}/users")).body(Full::default())?;
        let reply = client.request(request).await?;
        ensure!(reply.into_body().collect().await?.to_bytes().len() == size, "another reply");
        if number == 0 {
            start = Instant::now();
        }
    }
    Ok(start.elapsed().as_secs_f64())
}

/// A server that answers every request with so many bytes, for as long as the process lives.
fn serve(size: usize) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n")
            .into_bytes();
    answer.resize(answer.len() + size, b'x');
    let answer: Arc<[u8]> = answer.into();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || talk(stream, &answer));
        }
    });
    Ok(address)
}

fn talk(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut asked = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            read => asked.extend_from_slice(&piece[..read]),
        }
        if asked.ends_with(b"\r\n\r\n") {
            asked.clear();
            stream.write_all(answer)?;
        }
    }
}

//! Slow servers and strange wishes: each ends with a clear error, in bounded time.

use super::*;
use std::time::Instant;

/// Sends, and fails the test when it takes longer than the limits allow.
async fn timely(door: &Door, request: Request<Bytes>) -> Fault {
    let started = Instant::now();
    let fault = fault(door, request).await;
    assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
    fault
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let server = Server::start(|_| Act::Hang(Vec::new())).await;
    let fault = timely(&door_to(&server.origin, fast()), get(&server.origin, "/")).await;
    assert!(matches!(fault, Fault::HeadTimeout { .. }), "{fault}");
}

#[tokio::test]
async fn headers_one_byte_at_a_time() {
    let server = Server::start(|_| {
        let head = b"HTTP/1.1 200 OK\r\nx-header-that-never-ends: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec();
        Act::Drip(Vec::new(), head, Duration::from_millis(50))
    })
    .await;
    let fault = timely(&door_to(&server.origin, fast()), get(&server.origin, "/")).await;
    assert!(matches!(fault, Fault::HeadTimeout { .. }), "{fault}");
}

#[tokio::test]
async fn a_body_that_stalls() {
    let server =
        Server::start(|_| Act::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_vec())).await;
    let fault = timely(&door_to(&server.origin, fast()), get(&server.origin, "/")).await;
    assert!(matches!(fault, Fault::Stalled { .. }), "{fault}");
}

#[tokio::test]
async fn a_body_that_drips_just_often_enough() {
    let server = Server::start(|_| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec();
        Act::Drip(head, vec![b'x'; 100], Duration::from_millis(100))
    })
    .await;
    let fault = timely(&door_to(&server.origin, fast()), get(&server.origin, "/")).await;
    assert!(matches!(fault, Fault::Overdue { .. }), "{fault}");
}

#[tokio::test]
async fn a_host_that_does_not_take_connections() {
    // 203.0.113.0/24 and friends are refused by policy, so the loopback has to do: a listener whose queue
    // is full drops what comes.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fillers = Vec::new();
    for _ in 0..8 {
        fillers.push(tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(address)).await);
    }
    let origin: Origin = format!("http://{address}").parse().unwrap();
    let fault = timely(&door_to(&origin, fast()), get(&origin, "/")).await;
    assert!(matches!(fault, Fault::ConnectTimeout { .. } | Fault::Connect { .. }), "{fault}");
}

#[tokio::test]
async fn a_closed_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let fault = timely(&door_to(&origin, fast()), get(&origin, "/")).await;
    assert!(matches!(fault, Fault::Connect { .. }), "{fault}");
}

#[tokio::test]
async fn wishes_of_zero_and_of_centuries() {
    let server = Server::start(|_| Act::Hang(Vec::new())).await;
    let door = door_to(&server.origin, fast());
    for wish in [Duration::ZERO, Duration::from_nanos(u64::MAX), Duration::MAX] {
        let wishes = Wishes { connect: Some(wish), first_byte: Some(wish), between_bytes: Some(wish) };
        let started = Instant::now();
        let sent = door.send(get(&server.origin, "/"), wishes).await;
        assert!(matches!(sent, Err(Refusal::Failed(Fault::HeadTimeout { .. }))));
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

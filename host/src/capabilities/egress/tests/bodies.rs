//! Heads and bodies that lie about their size.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(body: Vec<u8>) -> impl Fn(&str) -> Act + Send + Sync {
    move |_| Act::Answer(answer("200 OK", "content-encoding: gzip\r\n", &body))
}

async fn fault_of(limits: EgressLimits, act: impl Fn(&str) -> Act + Send + Sync + 'static) -> Fault {
    let server = Server::start(act).await;
    let door = door_to(&server.origin, limits);
    let fault = fault(&door, get(&server.origin, "/")).await;
    assert_eq!(door.take_facts().1.as_ref(), Some(&fault), "the door keeps the last fault");
    fault
}

#[tokio::test]
async fn gzip_is_decoded_and_its_traces_are_gone() {
    let text = "a page of users ".repeat(20_000);
    let server = Server::start(zipped(gzip(text.as_bytes()))).await;
    let door = door_to(&server.origin, EgressLimits::default());
    let reply = send(&door, get(&server.origin, "/")).await.unwrap();
    assert_eq!(reply.body(), text.as_bytes());
    assert!(
        !reply.headers().contains_key("content-encoding") && !reply.headers().contains_key("content-length")
    );
    let traffic = door.traffic();
    assert!(traffic.wire_bytes < 5_000 && traffic.received_bytes == text.len() as u64, "{traffic:?}");
    assert_eq!(door.egress().dialled(), 1);
    send(&door, get(&server.origin, "/")).await.unwrap();
    assert_eq!(door.egress().dialled(), 1, "a decoded body gives its connection back");
}

#[tokio::test]
async fn a_bomb_is_cut_by_its_ratio_while_it_is_small() {
    let fault = fault_of(EgressLimits::default(), zipped(gzip(&vec![0; 32 << 20]))).await;
    assert!(matches!(fault, Fault::Bomb { .. }), "{fault}");
}

#[tokio::test]
async fn a_decoded_body_has_a_largest_size() {
    let limits = EgressLimits { reply_decoded: 1_000_000, ..EgressLimits::default() };
    let fault = fault_of(limits, zipped(gzip(&vec![0; 2_000_000]))).await;
    assert!(matches!(fault, Fault::TooLarge { limit: 1_000_000, .. }), "{fault}");
}

#[tokio::test]
async fn broken_gzip_is_told_from_a_complete_answer() {
    let whole = gzip("users ".repeat(1_000).as_bytes());
    let mut wrong_sum = whole.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    for body in [whole[..whole.len() - 4].to_vec(), wrong_sum, b"not gzip at all".to_vec()] {
        let fault = fault_of(EgressLimits::default(), zipped(body)).await;
        assert!(matches!(fault, Fault::BadGzip { .. }), "{fault}");
    }
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_is_refused() {
    for coding in ["br", "gzip, gzip", "deflate"] {
        let header = format!("content-encoding: {coding}\r\n");
        let fault =
            fault_of(EgressLimits::default(), move |_| Act::Answer(answer("200 OK", &header, b"x"))).await;
        assert!(matches!(fault, Fault::Encoding { .. }), "{fault}");
    }
}

#[tokio::test]
async fn an_empty_answer_may_name_an_encoding() {
    let server = Server::start(|_| Act::Answer(answer("200 OK", "content-encoding: gzip\r\n", b""))).await;
    let reply =
        send(&door_to(&server.origin, EgressLimits::default()), get(&server.origin, "/")).await.unwrap();
    assert!(reply.body().is_empty());
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let endless = |_: &str| Act::Flood(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 10_000]);
    let one = EgressLimits { reply_wire: 1_000_000, ..EgressLimits::default() };
    let other = EgressLimits { reply_decoded: 1_000_000, ..EgressLimits::default() };
    for limits in [one, other] {
        let fault = fault_of(limits, endless).await;
        assert!(matches!(fault, Fault::TooLarge { limit: 1_000_000, .. }), "{fault}");
    }
}

#[tokio::test]
async fn ten_thousand_headers_and_one_huge_header_are_refused() {
    let many = |_: &str| Act::Answer(answer("200 OK", &"a: b\r\n".repeat(10_000), b""));
    let fault = fault_of(EgressLimits::default(), many).await;
    assert!(matches!(fault, Fault::HeadTooLarge { .. }), "{fault}");
    let few_but_over = |_: &str| Act::Answer(answer("200 OK", &"a: b\r\n".repeat(200), b""));
    assert!(matches!(fault_of(EgressLimits::default(), few_but_over).await, Fault::HeadTooLarge { .. }));
    let huge = |_: &str| Act::Answer(answer("200 OK", &format!("a: {}\r\n", "b".repeat(1 << 20)), b""));
    assert!(matches!(fault_of(EgressLimits::default(), huge).await, Fault::HeadTooLarge { .. }));
}

#[tokio::test]
async fn a_length_that_lies_is_not_a_complete_answer() {
    let short = |_: &str| Act::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"value\":[]}".to_vec());
    let fault = fault_of(EgressLimits::default(), short).await;
    assert!(matches!(fault, Fault::Cut { .. }), "{fault}");
    let chunks =
        |_: &str| Act::Last(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc".to_vec());
    assert!(matches!(fault_of(EgressLimits::default(), chunks).await, Fault::Cut { .. }));
    let twice =
        |_: &str| Act::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 9\r\n\r\nx".to_vec());
    assert!(matches!(fault_of(EgressLimits::default(), twice).await, Fault::NotHttp { .. }));
}

#[tokio::test]
async fn what_stands_behind_an_answer_is_not_the_next_answer() {
    let server = Server::start(|_| {
        let mut bytes = answer("200 OK", "", b"one");
        bytes.extend_from_slice(&answer("200 OK", "", b"smuggled"));
        Act::Answer(bytes)
    })
    .await;
    let door = door_to(&server.origin, EgressLimits::default());
    for _ in 0..3 {
        assert_eq!(send(&door, get(&server.origin, "/")).await.unwrap().body().as_ref(), b"one");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn what_is_not_http_is_said_to_be_none() {
    let fault =
        fault_of(EgressLimits::default(), |_| Act::Last(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec())).await;
    assert!(matches!(fault, Fault::NotHttp { .. }), "{fault}");
    let fault = fault_of(EgressLimits::default(), |_| Act::Last(Vec::new())).await;
    assert!(matches!(fault, Fault::Cut { .. }), "{fault}");
}

//! Connections through a proxy: the name is proven behind it, and what it says is bounded.

use super::*;

/// A proxy that answers CONNECT with `head`, and on 200 leads to this port of the loopback. Remembers what it was
/// asked.
async fn proxy(head: &'static [u8], to: u16) -> (Origin, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let mut text = Vec::new();
                while !text.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    text.push(byte);
                }
                log.lock().unwrap().push(String::from_utf8_lossy(&text).into_owned());
                stream.write_all(head).await.unwrap();
                if head.starts_with(b"HTTP/1.1 200") && head.ends_with(b"\r\n\r\n") {
                    let mut behind = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
                } else {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    (origin, asked)
}

fn door(origin: &Origin, proxy: &Origin, pem: &str, private: bool) -> Door {
    let options = EgressOptions {
        limits: fast(),
        extra_ca: Some(pem.into()),
        proxy: Some(proxy.clone()),
        ..EgressOptions::default()
    };
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), private)]);
    Door::new(Arc::new(Egress::new(options).unwrap()), grants, SecretSet::none(), TrafficBudget::default())
}

#[tokio::test]
async fn the_name_is_the_proxys_to_resolve_and_proven_behind_it() {
    let (port, pem) = tls::server("graph.example").await;
    let (through, asked) = proxy(b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n", port).await;
    let origin: Origin = format!("https://graph.example:{port}").parse().unwrap();
    let reply = send(&door(&origin, &through, &pem, false), get(&origin, "/a?b")).await.unwrap();
    assert_eq!(reply.status(), 200);
    let asked = asked.lock().unwrap().join("");
    assert_eq!(
        asked,
        format!("CONNECT graph.example:{port} HTTP/1.1\r\nHost: graph.example:{port}\r\n\r\n"),
        "nothing of the request is shown to the proxy"
    );
    // Another name behind the same proxy is not who answers.
    let other: Origin = format!("https://other.example:{port}").parse().unwrap();
    let fault = fault(&door(&other, &through, &pem, false), get(&other, "/")).await;
    assert!(matches!(fault, Fault::Tls { .. }), "{fault}");
}

/// Says that every name has this address, and counts how often it was asked.
struct Says(&'static str, Arc<Mutex<Vec<String>>>);

impl Resolve for Says {
    fn resolve(
        &self,
        host: &str,
    ) -> std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<std::net::IpAddr>>> + Send>> {
        self.1.lock().unwrap().push(host.to_owned());
        let address = self.0.parse().unwrap();
        Box::pin(async move { Ok(vec![address]) })
    }
}

#[tokio::test]
async fn a_public_proxy_is_dialled_and_a_metadata_service_is_none() {
    let origin: Origin = "https://graph.example".parse().unwrap();
    let through: Origin = "http://proxy.example:9".parse().unwrap();
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), false)]);
    // 192.31.196.1 is public by its range (AS112) and answers nobody on this port.
    for (address, refused) in [("192.31.196.1", false), ("169.254.169.254", true)] {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let options = EgressOptions {
            limits: fast(),
            proxy: Some(through.clone()),
            resolver: Some(Arc::new(Says(address, asked.clone()))),
            ..EgressOptions::default()
        };
        let egress = Arc::new(Egress::new(options).unwrap());
        let door = Door::new(egress, grants.clone(), SecretSet::none(), TrafficBudget::default());
        let refusal = send(&door, get(&origin, "/")).await.unwrap_err();
        assert_eq!(matches!(refusal, Refusal::Denied(Denial::Address { .. })), refused, "{refusal}");
        assert_eq!(matches!(refusal, Refusal::Failed(_)), !refused, "{refusal}");
        assert_eq!(*asked.lock().unwrap(), ["proxy.example"], "the origin's name is the proxy's to resolve");
    }
}

#[tokio::test]
async fn a_proxy_opens_no_address_that_is_not_public() {
    let (through, asked) = proxy(b"HTTP/1.1 200 OK\r\n\r\n", 1).await;
    for text in ["https://127.0.0.1:1", "https://169.254.169.254", "https://[::1]:1", "https://10.0.0.1"] {
        let origin: Origin = text.parse().unwrap();
        let (_, pem) = tls::server("x.example").await;
        let denial = denial(&door(&origin, &through, &pem, false), get(&origin, "/")).await;
        assert!(matches!(denial, Denial::Address { .. }), "{denial}");
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_granted_as_private_goes_no_way_round() {
    let (through, asked) = proxy(b"HTTP/1.1 403 No\r\n\r\n", 1).await;
    let server = Server::start(|_| ok("{}")).await;
    let (_, pem) = tls::server("x.example").await;
    assert!(send(&door(&server.origin, &through, &pem, true), get(&server.origin, "/")).await.is_ok());
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_that_refuses_or_rambles_is_told_of() {
    const LONG: &[u8] = &[b'x'; 9000];
    for (head, part) in [
        (&b"HTTP/1.1 407 Who are you\r\n\r\n"[..], "wants a password"),
        (b"HTTP/1.1 403 No\r\n\r\n", "refuses it with status 403"),
        (b"SSH-2.0-x\r\n\r\n", "is no HTTP proxy"),
        (LONG, "answers at too much length"),
    ] {
        let (through, _) = proxy(head, 1).await;
        let (_, pem) = tls::server("x.example").await;
        let origin: Origin = "https://graph.example".parse().unwrap();
        let fault = fault(&door(&origin, &through, &pem, false), get(&origin, "/")).await;
        assert!(fault.to_string().contains(part), "{fault}");
    }
    // One that says nothing is cut like any connection.
    let (through, _) = proxy(b"HTTP/1.1 200 OK\r\n", 1).await;
    let (_, pem) = tls::server("x.example").await;
    let origin: Origin = "https://graph.example".parse().unwrap();
    let fault = fault(&door(&origin, &through, &pem, false), get(&origin, "/")).await;
    assert!(matches!(fault, Fault::ConnectTimeout { .. }), "{fault}");
}

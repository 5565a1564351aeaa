//! Certificates: the name is proven, strangers are not trusted, a company's authority can be added.

use super::*;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// A TLS server with a certificate for `name`, and that certificate as PEM.
pub(super) async fn server(name: &str) -> (u16, String) {
    let signed = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&answer("200 OK", "", b"{}")).await;
            });
        }
    });
    (port, signed.cert.pem())
}

fn door(origin: &Origin, extra_ca: Option<String>) -> Door {
    let extra_ca = extra_ca.map(String::into_bytes);
    let egress = Egress::new(EgressOptions { limits: fast(), extra_ca, ..EgressOptions::default() }).unwrap();
    let grants = Grants::new([origin.clone()], [Grant::all_of(origin.clone(), true)]);
    Door::new(Arc::new(egress), grants, SecretSet::none(), TrafficBudget::default())
}

#[tokio::test]
async fn a_stranger_is_not_trusted_and_an_added_authority_is() {
    let (port, pem) = server("localhost").await;
    let origin: Origin = format!("https://localhost:{port}").parse().unwrap();
    let fault = fault(&door(&origin, None), get(&origin, "/")).await;
    assert!(matches!(fault, Fault::Tls { .. }), "{fault}");
    assert_eq!(send(&door(&origin, Some(pem)), get(&origin, "/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (port, pem) = server("other.example").await;
    let origin: Origin = format!("https://localhost:{port}").parse().unwrap();
    let fault = fault(&door(&origin, Some(pem)), get(&origin, "/")).await;
    assert!(matches!(fault, Fault::Tls { .. }), "{fault}");
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Origin =
        format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let fault = fault(&door(&origin, None), get(&origin, "/")).await;
    assert!(matches!(fault, Fault::ConnectTimeout { .. }), "{fault}");
}

#[test]
fn extra_certificates_must_be_certificates() {
    for pem in ["", "not pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let options = EgressOptions { extra_ca: Some(pem.into()), ..EgressOptions::default() };
        assert!(matches!(Egress::new(options), Err(EgressError::ExtraCa(_))), "{pem:?}");
    }
}

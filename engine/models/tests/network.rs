//! Networks: where the token goes, proxies, and certificates of one's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use residue_engine_testing::{HubServer, PullFixture, quiet, single};
use residue_models::{CertificatePaths, ModelsError, ProxySettings};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

#[test]
fn the_token_does_not_follow_redirects_to_other_ports() {
    let (hub, other) = (HubServer::start(single(1000)), HubServer::start(single(1000)));
    hub.state().token = Some("secret".to_owned());
    let listing = format!(
        "{}/api/models/OpenMOSS-Team/MOSS-Audio-Tokenizer-Nano/revision/main",
        other.endpoint()
    );
    hub.state().listing_redirect = Some(listing);
    hub.state().storage = Some(other.endpoint());
    let mut place = PullFixture::new(&hub);
    place.settings.token = Some("secret".to_owned());
    // The listing comes from the other server, and the weights are asked for there.
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::NotFound { .. }), "{error}");
    let of_hub = hub.state().requests.clone();
    assert!(of_hub.len() > 1);
    assert!(of_hub.iter().all(|request| request.authorization.as_deref() == Some("Bearer secret")));
    let of_other = other.state().requests.clone();
    assert!(of_other.len() > 1, "{of_other:?}");
    assert!(of_other.iter().all(|request| request.authorization.is_none()), "{of_other:?}");
}

/// A proxy that opens a connection to wherever it is asked for, and notes where.
struct ConnectProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
        let proxy = Self { address, asked: Arc::clone(&asked) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&asked);
                thread::spawn(move || tunnel(stream, &asked));
            }
        });
        proxy
    }

    fn url(&self) -> Option<String> {
        Some(format!("http://{}", self.address))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn tunnel(stream: TcpStream, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(target.clone());
    let server = TcpStream::connect(target)?;
    let mut answer = stream.try_clone()?;
    answer.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut from, mut to) = (server.try_clone()?, server);
    thread::spawn(move || std::io::copy(&mut reader, &mut to));
    std::io::copy(&mut from, &mut answer)?;
    answer.shutdown(std::net::Shutdown::Both)
}

#[test]
fn a_proxy_is_used_for_its_scheme_and_not_for_excepted_hosts() {
    let server = HubServer::start(single(1000));
    let proxy = ConnectProxy::start();
    let pull = |proxies: ProxySettings| {
        let mut place = PullFixture::new(&server);
        place.settings.proxies = proxies;
        place.library().pull("nano", None, &mut quiet()).map(drop)
    };
    let hub = server.endpoint().replace("http://", "");
    pull(ProxySettings { https: proxy.url(), ..ProxySettings::default() }).unwrap();
    assert!(proxy.asked().is_empty(), "a proxy for https is not one for http");
    let except = vec!["127.0.0.1".to_owned()];
    pull(ProxySettings { http: proxy.url(), bypass: except, https: None }).unwrap();
    assert!(proxy.asked().is_empty());
    pull(ProxySettings { http: proxy.url(), ..ProxySettings::default() }).unwrap();
    assert!(proxy.asked().contains(&hub), "{:?}", proxy.asked());

    let gone = Some("http://127.0.0.1:9".to_owned());
    let error = pull(ProxySettings { http: gone, ..ProxySettings::default() }).unwrap_err();
    assert!(matches!(error, ModelsError::Network { .. }), "{error}");
    for bad in ["socks5://me:secret@proxy.test", "http://", "::"] {
        let http = Some(bad.to_owned());
        let error = pull(ProxySettings { http, ..ProxySettings::default() }).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("the proxy") && said.contains("HTTP_PROXY"), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name)
}

/// Starts a server that takes TLS off connections and passes them on to `target`; returns its address.
fn tls_server(target: SocketAddr) -> String {
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificate("server.pem")).unwrap().collect();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            // A client that does not trust the certificate goes away; that is part of what is tested.
            thread::spawn(move || serve_tls(stream, config, target));
        }
    });
    format!("https://{address}")
}

fn serve_tls(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    target: SocketAddr,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        request.push(byte[0]);
    }
    let mut server = TcpStream::connect(target)?;
    server.write_all(&request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    stream.write_all(&answer)?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(())
}

#[test]
fn certificates_of_ones_own_are_trusted_and_others_are_not() {
    let server = HubServer::start(single(1000));
    let endpoint = tls_server(server.endpoint().replace("http://", "").parse().unwrap());
    let storage = tls_server(server.storage_address());
    server.state().storage = Some(storage);
    let pull = |certificates: CertificatePaths| {
        let mut place = PullFixture::new(&server);
        place.settings.endpoint = Some(endpoint.clone());
        place.settings.certificates = certificates;
        place.library().pull("nano", None, &mut quiet()).map(drop)
    };
    let file = |name: &str| CertificatePaths { file: Some(certificate(name)), folders: vec![] };
    pull(file("authority.pem")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(certificate("authority.pem"), folder.path().join("authority.pem")).unwrap();
    let folders = vec![folder.path().to_owned()];
    pull(CertificatePaths { file: None, folders }).unwrap();

    let error = pull(CertificatePaths::default()).unwrap_err();
    assert!(matches!(error, ModelsError::Certificate { .. }), "{error}");
    assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");
    for name in ["no-such-file.pem", "server.key"] {
        let error = pull(file(name)).unwrap_err();
        assert!(matches!(error, ModelsError::Settings { .. }), "{error}");
        assert!(error.to_string().contains("check SSL_CERT_FILE and SSL_CERT_DIR"), "{error}");
    }
}

#[test]
fn an_answer_over_tls_does_not_lead_to_one_without() {
    let server = HubServer::start(single(1000));
    let mut place = PullFixture::new(&server);
    place.settings.endpoint =
        Some(tls_server(server.endpoint().replace("http://", "").parse().unwrap()));
    place.settings.certificates =
        CertificatePaths { file: Some(certificate("authority.pem")), folders: vec![] };
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(error.to_string().contains("from https only to https"), "{error}");
    assert!(server.downloads().is_empty());
}

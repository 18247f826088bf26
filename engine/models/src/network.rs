//! Connections to the hub: trusted certificates, proxies, and where redirects and the token may go.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use ureq::http::header::{ACCEPT_ENCODING, AUTHORIZATION, LOCATION};
use ureq::http::{HeaderName, Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::{HubSettings, ModelsError};

/// Maximum time of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Most redirects that are followed: one to the storage is usual, and one within the hub for renamed
/// repositories.
const MAX_REDIRECTS: usize = 6;

/// Files and folders of trusted certificates, in PEM; the system's store if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificatePaths {
    /// A file of any number of certificates.
    pub file: Option<PathBuf>,
    /// Folders of such files.
    pub folders: Vec<PathBuf>,
}

impl CertificatePaths {
    /// Returns the certificates that servers are trusted by: those of the files, or else the system's, or
    /// else, on a system that has none, Mozilla's.
    fn roots(&self) -> Result<RootCerts, ModelsError> {
        let own = self.file.is_some() || !self.folders.is_empty();
        let mut found = match own {
            false => rustls_native_certs::load_native_certs(),
            true => rustls_native_certs::load_certs_from_paths(self.file.as_deref(), None),
        };
        for folder in &self.folders {
            let more = rustls_native_certs::load_certs_from_paths(None, Some(folder));
            found.certs.extend(more.certs);
            found.errors.extend(more.errors);
        }
        if own && found.certs.is_empty() {
            let problem = found.errors.first().map(ToString::to_string);
            return Err(ModelsError::Settings {
                what: "the certificates".to_owned(),
                problem: problem
                    .unwrap_or_else(|| "no certificate in PEM format in them".to_owned()),
                variables: "SSL_CERT_FILE and SSL_CERT_DIR",
            });
        }
        if found.certs.is_empty() {
            return Ok(RootCerts::WebPki);
        }
        let certificates = found.certs.iter().map(|der| Certificate::from_der(der).to_owned());
        Ok(RootCerts::from(certificates))
    }
}

/// Kind of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
}

/// A request to the hub or to the storage that it leads to.
pub(super) struct Request<'a> {
    pub method: Method,
    pub url: &'a str,
    /// A further header.
    pub header: Option<(HeaderName, String)>,
    /// Maximum time of the whole, the body included.
    pub total: Option<Duration>,
    /// Whether redirects to other servers are followed; those within a server always are.
    pub follow: bool,
}

/// The connections of one operation.
pub(super) struct Network<'a> {
    settings: &'a HubSettings,
    /// Scheme, host and port that the token is for.
    hub: Option<Origin>,
    /// By proxy, and whether certificates are needed.
    agents: RefCell<HashMap<(Option<String>, bool), Agent>>,
}

impl<'a> Network<'a> {
    /// Prepares to connect to `endpoint`; connects to nothing yet.
    pub fn new(settings: &'a HubSettings, endpoint: &str) -> Self {
        let hub = endpoint.parse().ok().and_then(|url: Uri| Origin::of(&url));
        Self { settings, hub, agents: RefCell::default() }
    }

    /// Sends a request, follows redirects, and returns the address of the answer with it. The token goes to
    /// the hub's own scheme, host and port only, whatever a redirect asks for.
    ///
    /// # Errors
    /// If no answer comes, or redirects lead on without end, from https to http, or to no address.
    pub fn send(&self, request: &Request<'_>) -> Result<(String, Response<Body>), ModelsError> {
        let mut url = request.url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(request, &url)?;
            if !response.status().is_redirection() {
                return Ok((url, response));
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            match next_address(&url, location)? {
                Some(next) if next.is_same_server || request.follow => url = next.url,
                // The redirect itself is what was asked for: its headers describe the file.
                _ => return Ok((url, response)),
            }
        }
        let (expected, found) = ("a file", "redirects without end".to_owned());
        Err(ModelsError::Answer { url, expected, found })
    }

    fn send_once(&self, request: &Request<'_>, url: &str) -> Result<Response<Body>, ModelsError> {
        let address: Uri = url.parse().map_err(|error: ureq::http::uri::InvalidUri| {
            ModelsError::address(url, error.to_string())
        })?;
        let agent = self.agent(&address)?;
        let builder = match request.method {
            Method::Get => agent.get(url),
            Method::Head => agent.head(url),
        };
        // Zero means: hand the redirect over.
        let config = builder.config().max_redirects(0).timeout_global(request.total);
        // Compression would make positions meaningless, and small answers large.
        let mut builder = config.build().header(ACCEPT_ENCODING, "identity");
        if let Some((name, value)) = &request.header {
            builder = builder.header(name, value);
        }
        if let Some(token) = &self.settings.token
            && Origin::of(&address) == self.hub
        {
            builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        builder.call().map_err(|error| failure(url, error))
    }

    /// Returns the agent for an address.
    fn agent(&self, url: &Uri) -> Result<Agent, ModelsError> {
        let proxy = self.settings.proxies.proxy_for(url).map(str::to_owned);
        let is_https = url.scheme_str() == Some("https");
        let key = (proxy, is_https);
        if let Some(agent) = self.agents.borrow().get(&key) {
            return Ok(agent.clone());
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("residue/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(self.settings.patience))
            .timeout_per_read(Some(self.settings.patience))
            .proxy(key.0.as_deref().map(parse_proxy).transpose()?);
        if is_https {
            let roots = self.settings.certificates.roots()?;
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        let agent = config.build().new_agent();
        self.agents.borrow_mut().insert(key, agent.clone());
        Ok(agent)
    }
}

fn parse_proxy(address: &str) -> Result<Proxy, ModelsError> {
    let refused = |problem: String| ModelsError::Settings {
        // The address may hold a password.
        what: "the proxy".to_owned(),
        problem,
        variables: "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY",
    };
    if address.to_ascii_lowercase().starts_with("socks") {
        return Err(refused("SOCKS is not supported, only http and https".to_owned()));
    }
    Proxy::new(address).map_err(|error| refused(error.to_string()))
}

/// Scheme, host and port of an address.
#[derive(Clone, PartialEq, Eq)]
struct Origin {
    is_https: bool,
    host: String,
    port: u16,
}

impl Origin {
    fn of(url: &Uri) -> Option<Self> {
        let is_https = match url.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let port = url.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Some(Self { is_https, host: url.host()?.to_ascii_lowercase(), port })
    }
}

/// Where a redirect leads.
#[derive(Debug, PartialEq, Eq)]
struct NextAddress {
    url: String,
    /// Whether scheme, host and port stay the same.
    is_same_server: bool,
}

/// Returns where a redirect leads from `url`; none if it names no place, as with an answer of 304.
fn next_address(url: &str, location: Option<&str>) -> Result<Option<NextAddress>, ModelsError> {
    let Some(location) = location else { return Ok(None) };
    let answer = || ModelsError::Answer {
        url: url.to_owned(),
        expected: "a redirect to an http or https address, and from https only to https",
        // Without the query, which may hold a signature.
        found: format!("{:?}", location.split('?').next().unwrap_or_default()),
    };
    let from: Uri = url.parse().map_err(|_| answer())?;
    let (scheme, authority) = (from.scheme_str(), from.authority());
    let (scheme, authority) = scheme.zip(authority).ok_or_else(answer)?;
    let next = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        location.to_owned()
    };
    let to: Uri = next.parse().map_err(|_| answer())?;
    let (from, to) = Origin::of(&from).zip(Origin::of(&to)).ok_or_else(answer)?;
    if from.is_https && !to.is_https {
        return Err(answer());
    }
    Ok(Some(NextAddress { url: next, is_same_server: from == to }))
}

/// Translates a request without an answer into an error for the user.
pub(super) fn failure(url: &str, error: ureq::Error) -> ModelsError {
    let problem = error.to_string();
    let url = url.split('?').next().unwrap_or_default().to_owned();
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => ModelsError::address(&url, problem),
        _ if problem.contains("certificate") => ModelsError::Certificate { url, problem },
        _ => ModelsError::Network { url, problem },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_addresses() {
        let from = "http://hub.test:8080/a/resolve/main/b";
        let next = |location| next_address(from, Some(location)).ok().flatten();
        for (location, url, is_same_server) in [
            ("/c/d?e=f", "http://hub.test:8080/c/d?e=f", true),
            ("http://hub.test:8080/x", "http://hub.test:8080/x", true),
            ("http://HUB.test:8080/x", "http://HUB.test:8080/x", true),
            ("http://hub.test/x", "http://hub.test/x", false),
            ("http://hub.test:8081/x", "http://hub.test:8081/x", false),
            ("https://hub.test:8080/x", "https://hub.test:8080/x", false),
            ("//other.test/x", "http://other.test/x", false),
        ] {
            let expected = NextAddress { url: url.to_owned(), is_same_server };
            assert_eq!(next(location), Some(expected), "{location}");
        }
        for nonsense in ["x", "", "//", "ftp://hub.test/x", "file:///etc/passwd", "http://"] {
            assert_eq!(next(nonsense), None, "{nonsense}");
        }
        assert!(next_address(from, None).is_ok_and(|next| next.is_none()));
        let error = next_address("https://hub.test/a", Some("http://hub.test/a")).unwrap_err();
        assert!(error.to_string().contains("from https only to https"), "{error}");
    }
}

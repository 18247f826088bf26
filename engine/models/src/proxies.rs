//! Proxies by scheme, and the hosts that need none.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// Proxies for downloads, by the scheme of the address that is asked for.
///
/// Read from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, also in lower case, as other tools do.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// Proxy for `http` addresses.
    pub http: Option<String>,
    /// Proxy for `https` addresses.
    pub https: Option<String>,
    /// Hosts that are reached directly: `*`, a name (which stands for its subdomains too), an address or a
    /// network such as `10.0.0.0/8`, each with or without a port.
    pub bypass: Vec<String>,
}

/// Without the addresses, which may hold passwords.
impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = |proxy: &Option<String>| proxy.as_ref().map(|_| "(set)");
        f.debug_struct("ProxySettings")
            .field("http", &set(&self.http))
            .field("https", &set(&self.https))
            .field("bypass", &self.bypass)
            .finish()
    }
}

impl ProxySettings {
    /// Reads the variables through `lookup`.
    pub(super) fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| {
            let value = lookup(&name.to_ascii_lowercase()).or_else(|| lookup(name))?;
            Some(value.into_string().ok()?.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let all = || set("ALL_PROXY");
        let bypass = set("NO_PROXY").unwrap_or_default();
        let bypass = bypass.split([',', ' ']).filter(|entry| !entry.is_empty());
        Self {
            http: set("HTTP_PROXY").or_else(all),
            https: set("HTTPS_PROXY").or_else(all),
            bypass: bypass.map(str::to_owned).collect(),
        }
    }

    /// Returns the proxy for an address; `None` if it is reached directly.
    pub(super) fn proxy_for(&self, url: &Uri) -> Option<&str> {
        let is_https = url.scheme_str() == Some("https");
        let proxy = if is_https { &self.https } else { &self.http };
        let host = url.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let port = url.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let bypassed = self.bypass.iter().any(|entry| is_covered(&host, port, entry));
        proxy.as_deref().filter(|_| !bypassed)
    }
}

/// Returns true if an entry of NO_PROXY covers a host and port.
fn is_covered(host: &str, port: u16, entry: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    let address = host.parse::<IpAddr>().ok();
    if let Some((network, bits)) = entry.split_once('/') {
        let network = network.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        return address
            .zip(network)
            .zip(bits.parse().ok())
            .is_some_and(|((address, network), bits)| is_in_network(address, network, bits));
    }
    if address.is_some() && entry.trim_matches(['[', ']']).parse::<IpAddr>().ok() == address {
        return true;
    }
    let (name, of_port) = match entry.rsplit_once(':') {
        Some((name, digits)) => match digits.parse::<u16>() {
            Ok(of_port) => (name, Some(of_port)),
            Err(_) => (entry.as_str(), None),
        },
        None => (entry.as_str(), None),
    };
    if of_port.is_some_and(|of_port| of_port != port) {
        return false;
    }
    let name = name.trim_start_matches('*').trim_start_matches('.').trim_matches(['[', ']']);
    !name.is_empty()
        && host.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn is_in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(a) & mask == u32::from(b) & mask
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(a) & mask == u128::from(b) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> ProxySettings {
        ProxySettings::from_lookup(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    fn proxy(proxies: &ProxySettings, url: &str) -> Option<String> {
        proxies.proxy_for(&url.parse().unwrap()).map(str::to_owned)
    }

    #[test]
    fn a_proxy_is_for_its_scheme_only() {
        let https = proxies(&[("HTTPS_PROXY", "http://p:1")]);
        assert_eq!(proxy(&https, "https://hub.test/x").as_deref(), Some("http://p:1"));
        assert_eq!(proxy(&https, "http://hub.test/x"), None);
        let http = proxies(&[("http_proxy", "http://p:2")]);
        assert_eq!(proxy(&http, "http://hub.test/x").as_deref(), Some("http://p:2"));
        assert_eq!(proxy(&http, "https://hub.test/x"), None);
        let all = proxies(&[("ALL_PROXY", "http://p:3"), ("HTTP_PROXY", "http://p:4")]);
        assert_eq!(proxy(&all, "https://hub.test/x").as_deref(), Some("http://p:3"));
        assert_eq!(proxy(&all, "http://hub.test/x").as_deref(), Some("http://p:4"));
        assert_eq!(proxies(&[("HTTPS_PROXY", " ")]), ProxySettings::default());
    }

    #[test]
    fn hosts_are_excepted() {
        let covered = |entry: &str, url: &str| {
            let both = [("ALL_PROXY", "http://p:1"), ("NO_PROXY", entry)];
            proxy(&proxies(&both), url).is_none()
        };
        for (entry, url) in [
            ("*", "https://hub.test/x"),
            ("hub.test", "https://hub.test/x"),
            ("hub.test", "https://a.b.HUB.test/x"),
            (".hub.test", "https://hub.test/x"),
            ("*.hub.test", "https://a.hub.test/x"),
            ("other.test, hub.test", "https://hub.test/x"),
            ("hub.test:8443", "https://hub.test:8443/x"),
            ("127.0.0.1", "http://127.0.0.1:8080/x"),
            ("10.0.0.0/8", "http://10.1.2.3/x"),
            ("::1", "http://[::1]:8080/x"),
            ("0.0.0.0/0", "http://1.2.3.4/x"),
        ] {
            assert!(covered(entry, url), "{entry} {url}");
        }
        for (entry, url) in [
            ("hub.test", "https://nothub.test/x"),
            ("hub.test:80", "https://hub.test/x"),
            ("10.0.0.0/8", "http://11.1.2.3/x"),
            ("10.0.0.0/99", "http://10.1.2.3/x"),
            (".", "https://hub.test/x"),
        ] {
            assert!(!covered(entry, url), "{entry} {url}");
        }
    }
}

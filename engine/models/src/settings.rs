//! Where the hub is, where its cache is, and how to speak to it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{CertificatePaths, ModelsError, ProxySettings, env_path};

/// Address of the public hub.
pub const PUBLIC_HUB: &str = "https://huggingface.co";

/// How to reach the hub and where its cache lies.
///
/// [`from_env`](Self::from_env) follows the environment variables that the hub's own tools follow,
/// so that they and Residue share one cache, one token and one offline switch.
#[derive(Clone)]
pub struct HubSettings {
    /// The cache: one folder a repository, each with `blobs`, `refs` and `snapshots`.
    pub cache: PathBuf,
    /// The hub's address without a trailing slash; [`PUBLIC_HUB`] if `None`.
    pub endpoint: Option<String>,
    /// Access token, for repositories that need one. Sent to the hub's own scheme, host and port only,
    /// never to the servers it redirects to; never printed.
    pub token: Option<String>,
    /// Proxies.
    pub proxies: ProxySettings,
    /// Certificates to trust; the system's if none are named.
    pub certificates: CertificatePaths,
    /// True: download nothing, ask nothing.
    pub offline: bool,
    /// How often in a row a broken connection is taken up again; the count starts anew whenever bytes
    /// have arrived. 0: never.
    pub retries: u32,
    /// The pause before the first retry; each further one doubles it.
    pub retry_pause: Duration,
    /// How long to wait for the next bytes before a connection counts as stalled. A listing may take
    /// four times as long in all.
    pub patience: Duration,
}

impl HubSettings {
    /// Settings for a cache folder, with the public hub, no token, online.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            endpoint: None,
            token: None,
            proxies: ProxySettings::default(),
            certificates: CertificatePaths::default(),
            offline: false,
            retries: 4,
            retry_pause: Duration::from_secs(1),
            patience: Duration::from_secs(30),
        }
    }

    /// Settings from `HF_HOME`, `HF_HUB_CACHE` (or the older `HUGGINGFACE_HUB_CACHE`), `HF_ENDPOINT`,
    /// `HF_TOKEN`, `HF_TOKEN_PATH` (or the file `token` under `HF_HOME`) and `HF_HUB_OFFLINE`; proxies from
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`; certificates from `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`. In folders `~` and `$NAME` are expanded.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NoHome`] when neither a variable nor a home folder says where the cache is.
    pub fn from_env() -> Result<Self, ModelsError> {
        Self::from_lookup(&|name| std::env::var_os(name))
    }

    fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, ModelsError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let path = |name: &str| Some(env_path::expand(&set(name)?, lookup, dirs::home_dir()));
        let text = |name: &str| {
            set(name)
                .and_then(|value| value.into_string().ok())
                .map(|value| value.trim().to_owned())
        };
        let home = match path("HF_HOME") {
            Some(home) => Some(home),
            None => path("XDG_CACHE_HOME")
                .or_else(|| Some(dirs::home_dir()?.join(".cache")))
                .map(|cache| cache.join("huggingface")),
        };
        let cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
        let cache = match (cache, &home) {
            (Some(cache), _) => cache,
            (None, Some(home)) => home.join("hub"),
            (None, None) => {
                return Err(ModelsError::NoHome { what: "the hub's cache", variable: "HF_HOME" });
            }
        };
        let token_file = path("HF_TOKEN_PATH").or(home.map(|home| home.join("token")));
        let token = text("HF_TOKEN")
            .or_else(|| std::fs::read_to_string(token_file?).ok().map(|t| t.trim().to_owned()))
            .filter(|token| !token.is_empty());
        Ok(Self {
            endpoint: text("HF_ENDPOINT").map(|url| url.trim_end_matches('/').to_owned()),
            token,
            proxies: ProxySettings::from_lookup(lookup),
            certificates: CertificatePaths {
                file: set("SSL_CERT_FILE").map(PathBuf::from),
                folders: set("SSL_CERT_DIR")
                    .map(|folders| std::env::split_paths(&folders).collect())
                    .unwrap_or_default(),
            },
            offline: text("HF_HUB_OFFLINE").is_some_and(|value| {
                ["1", "on", "yes", "true"].contains(&value.to_ascii_lowercase().as_str())
            }),
            ..Self::new(cache)
        })
    }
}

/// Everything but the token and the addresses of proxies.
impl fmt::Debug for HubSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSettings")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "(set)"))
            .field("proxies", &self.proxies)
            .field("certificates", &self.certificates)
            .field("offline", &self.offline)
            .field("retries", &self.retries)
            .field("retry_pause", &self.retry_pause)
            .field("patience", &self.patience)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> HubSettings {
        HubSettings::from_lookup(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
        .unwrap()
    }

    #[test]
    fn the_cache_follows_the_variables_in_the_order_of_the_hubs_tools() {
        assert_eq!(settings(&[("HF_HOME", "/h")]).cache, Path::new("/h/hub"));
        assert_eq!(settings(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")]).cache, Path::new("/c"));
        assert!(settings(&[("XDG_CACHE_HOME", "/x")]).cache.starts_with("/x"));
        assert!(settings(&[("HF_HOME", "")]).cache.ends_with("hub"), "empty counts as unset");
        let older = ("HUGGINGFACE_HUB_CACHE", "/o");
        assert_eq!(settings(&[("HF_HOME", "/h"), older]).cache, Path::new("/o"));
        assert_eq!(settings(&[("HF_HUB_CACHE", "/c"), older]).cache, Path::new("/c"));
        let expanded = settings(&[("HF_HOME", "$DATA/hf"), ("DATA", "/d")]);
        assert_eq!(expanded.cache, Path::new("/d/hf/hub"));
        if let Some(home) = dirs::home_dir() {
            assert_eq!(settings(&[("HF_HUB_CACHE", "~/c")]).cache, home.join("c"));
        }
    }

    #[test]
    fn proxies_and_certificates_come_from_their_variables() {
        let settings = settings(&[
            ("HF_HOME", "/h"),
            ("HTTPS_PROXY", "http://me:secret@proxy.test:1"),
            ("SSL_CERT_FILE", "/ca.pem"),
            ("SSL_CERT_DIR", "/a"),
        ]);
        assert!(settings.proxies.https.is_some() && settings.proxies.http.is_none());
        assert_eq!(settings.certificates.file.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!(settings.certificates.folders, [Path::new("/a")]);
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn the_token_comes_from_the_variable_before_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        assert_eq!(settings(&[("HF_HOME", path)]).token, None);
        std::fs::write(home.path().join("token"), "from-file\n").unwrap();
        assert_eq!(settings(&[("HF_HOME", path)]).token.as_deref(), Some("from-file"));
        let both = settings(&[("HF_HOME", path), ("HF_TOKEN", " from-variable ")]);
        assert_eq!(both.token.as_deref(), Some("from-variable"));
        assert!(!format!("{both:?}").contains("from-variable"));
    }

    #[test]
    fn offline_and_endpoint() {
        assert!(!settings(&[("HF_HOME", "/h")]).offline);
        assert!(!settings(&[("HF_HOME", "/h"), ("HF_HUB_OFFLINE", "0")]).offline);
        for on in ["1", "TRUE", "yes", "ON"] {
            assert!(settings(&[("HF_HOME", "/h"), ("HF_HUB_OFFLINE", on)]).offline, "{on}");
        }
        let mirror = settings(&[("HF_HOME", "/h"), ("HF_ENDPOINT", "http://mirror.test/")]);
        assert_eq!(mirror.endpoint.as_deref(), Some("http://mirror.test"));
    }
}

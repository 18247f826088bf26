//! Questions to the hub, through its client crate where that can ask them.
//!
//! What the `hf-hub` crate (0.5) does here: addresses, the repository listing, the cache's layout.
//! What it leaves to us: its `metadata` panics on a redirect without a target and can follow
//! redirects for ever; its `download` neither checks sums nor that a resumed answer is a partial one,
//! cannot be stopped, and waits for ever on a silent server.

use std::time::Duration;

use hf_hub::api::RepoInfo;
use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use ureq::http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, ETAG, HeaderMap, LOCATION, RANGE,
};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use residue_core::small_file;

use super::{HubSettings, ModelsError, hub_cache};

/// How long connecting, or waiting for the head of an answer, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Redirects within the hub that are followed: one is usual, for renamed repositories or small files.
const MAX_HUB_REDIRECTS: usize = 5;

/// A file as the hub describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RemoteFile {
    /// Name in the repository.
    pub(super) name: String,
    /// Where to get it: on the hub, after redirects within the hub.
    pub(super) url: String,
    /// Name of its blob in the cache.
    pub(super) etag: String,
    /// Bytes.
    pub(super) size: u64,
}

impl RemoteFile {
    /// The published sha256; small files have none.
    pub(super) fn sha256(&self) -> Option<&str> {
        hub_cache::is_sha256(&self.etag).then_some(self.etag.as_str())
    }
}

/// The connection to one repository.
pub(super) struct Hub<'a> {
    pub(super) settings: &'a HubSettings,
    repository: &'a str,
    api: Api,
    agent: Agent,
}

impl<'a> Hub<'a> {
    /// Prepares to ask about `repository`; asks nothing yet.
    pub(super) fn new(settings: &'a HubSettings, repository: &'a str) -> Result<Self, ModelsError> {
        let mut builder = ApiBuilder::from_cache(Cache::new(settings.cache.clone()))
            .with_progress(false)
            .with_user_agent("residue", env!("CARGO_PKG_VERSION"))
            .with_token(settings.token.clone());
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        let api = builder.build().map_err(|e| ModelsError::Settings {
            what: "the hub's client".to_owned(),
            problem: e.to_string(),
        })?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("residue/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(settings.patience))
            .timeout_per_read(Some(settings.patience))
            .build()
            .new_agent();
        Ok(Self { settings, repository, api, agent })
    }

    /// The repository's page, for messages.
    pub(super) fn page(&self) -> String {
        let url = self.url("main", "");
        url.trim_end_matches("/resolve/main/").to_owned()
    }

    fn url(&self, commit: &str, file: &str) -> String {
        let repo =
            Repo::with_revision(self.repository.to_owned(), RepoType::Model, commit.to_owned());
        self.api.repo(repo).url(file)
    }

    /// What the repository holds now: its commit and the names of its files.
    pub(super) fn listing(&self) -> Result<RepoInfo, ModelsError> {
        let url = self.page();
        let mut response = self
            .api
            .model(self.repository.to_owned())
            .info_request()
            .config()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(self.settings.patience))
            .timeout_per_read(Some(self.settings.patience))
            .build()
            .call()
            .map_err(|e| failure(&url, e))?;
        self.check_status(&url, response.status().as_u16())?;
        let text = response
            .body_mut()
            .with_config()
            .limit(small_file::LIMIT)
            .read_to_vec()
            .map_err(|e| failure(&url, e))?;
        let answer = |found| ModelsError::Answer {
            url: url.clone(),
            expected: "a repository listing with `sha` and `siblings`",
            found,
        };
        let info: RepoInfo = serde_json::from_slice(&text).map_err(|e| answer(e.to_string()))?;
        // The commit becomes a folder's name.
        if info.sha.is_empty() || !info.sha.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(answer(format!("commit {:?}", info.sha)));
        }
        Ok(info)
    }

    /// The size and sum of a file of a commit.
    pub(super) fn describe(&self, commit: &str, file: &str) -> Result<RemoteFile, ModelsError> {
        let mut url = self.url(commit, file);
        for _ in 0..MAX_HUB_REDIRECTS {
            let mut request = self
                .agent
                .head(&url)
                .config()
                // Zero means: hand the redirect over. Its headers describe the file; the storage it
                // leads to knows neither the sum nor us.
                .max_redirects(0)
                .build()
                .header(ACCEPT_ENCODING, "identity");
            if let Some(token) = &self.settings.token {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            let response = request.call().map_err(|e| failure(&url, e))?;
            let headers = response.headers();
            if response.status().is_redirection()
                && let Some(next) = redirect_within_hub(&url, text(headers, LOCATION.as_str()))
            {
                url = next;
                continue;
            }
            self.check_status(&url, response.status().as_u16())?;
            return describe(file, url, headers, response.status().is_success());
        }
        Err(ModelsError::Answer {
            url,
            expected: "a file",
            found: "redirects without end".to_owned(),
        })
    }

    /// Asks for a file's bytes from `start` on, following redirects to the hub's storage.
    pub(super) fn open(&self, url: &str, start: u64) -> Result<Response<Body>, ModelsError> {
        // ureq's default drops the token at the first redirect, so the storage never sees it.
        let mut request = self
            .agent
            .get(url)
            // Compression would make byte positions meaningless.
            .header(ACCEPT_ENCODING, "identity")
            .header(RANGE, format!("bytes={start}-"));
        if let Some(token) = &self.settings.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = request.call().map_err(|e| failure(url, e))?;
        self.check_status(url, response.status().as_u16())?;
        Ok(response)
    }

    fn check_status(&self, url: &str, status: u16) -> Result<(), ModelsError> {
        let url = url.to_owned();
        match status {
            200..=399 => Ok(()),
            401 | 403 => {
                Err(ModelsError::Refused { url, status, had_token: self.settings.token.is_some() })
            }
            404 => Err(ModelsError::NotFound { url }),
            _ => Err(ModelsError::Status { url, status }),
        }
    }
}

/// Reads what the headers say about a file. `whole`: the answer is the file itself, so that its
/// length is the file's; a redirect's length is that of its text.
fn describe(
    file: &str,
    url: String,
    headers: &HeaderMap,
    whole: bool,
) -> Result<RemoteFile, ModelsError> {
    let answer = |expected, found: Option<&str>| ModelsError::Answer {
        url: url.clone(),
        expected,
        found: found.map_or_else(|| "none".to_owned(), |value| format!("{value:?}")),
    };
    let etag = text(headers, "x-linked-etag").or_else(|| text(headers, ETAG.as_str()));
    let length = whole.then(|| text(headers, CONTENT_LENGTH.as_str())).flatten();
    let size = text(headers, "x-linked-size").or(length);
    let blob = etag.and_then(hub_cache::blob_name).ok_or_else(|| {
        answer("an etag made of letters and digits in the header X-Linked-ETag or ETag", etag)
    })?;
    let bytes = size.and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
        answer("the file's size in the header X-Linked-Size or Content-Length", size)
    })?;
    Ok(RemoteFile { name: file.to_owned(), etag: blob.to_owned(), size: bytes, url: url.clone() })
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Where a redirect leads if that is a path on the same server, which is how the hub renames things.
/// A full address leads to its storage.
fn redirect_within_hub(url: &str, location: Option<&str>) -> Option<String> {
    let path = location?;
    if !path.starts_with('/') || path.starts_with("//") {
        return None;
    }
    let from: Uri = url.parse().ok()?;
    Some(format!("{}://{}{path}", from.scheme_str()?, from.authority()?))
}

/// What a request that got no answer means to the user.
pub(super) fn failure(url: &str, error: ureq::Error) -> ModelsError {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl => {
            ModelsError::Settings { what: url.to_owned(), problem: error.to_string() }
        }
        other => ModelsError::Network { url: url.to_owned(), problem: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_stay_within_the_hub() {
        let from = "http://hub.test:8080/a/resolve/main/b";
        assert_eq!(
            redirect_within_hub(from, Some("/c/d?e=f")).as_deref(),
            Some("http://hub.test:8080/c/d?e=f")
        );
        for outside in ["//other.test/x", "http://other.test/x", "x", ""] {
            assert_eq!(redirect_within_hub(from, Some(outside)), None, "{outside}");
        }
        assert_eq!(redirect_within_hub(from, None), None);
    }
}

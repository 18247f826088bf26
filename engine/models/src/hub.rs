//! Requests to the hub: what a repository holds, sizes and sums of its files, their bytes.
//!
//! | address | answers |
//! |---|---|
//! | `{endpoint}/api/models/{owner}/{name}/revision/main` | the commit and the names of the files |
//! | `{endpoint}/{owner}/{name}/resolve/{commit}/{file}` | a file, or a redirect to the hub's storage |
//!
//! Every request has limits: each step of it in time, the listing also as a whole and in bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, ETAG, HeaderMap, LOCATION, RANGE,
};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use super::settings::PUBLIC_HUB;
use super::{HubSettings, ModelsError, hub_cache};

/// How long connecting, or waiting for the head of an answer, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Redirects within the hub that are followed: one is usual, for renamed repositories or small files.
const MAX_HUB_REDIRECTS: usize = 5;

/// Largest listing, in bytes after decompression: the published ones have some kilobytes.
const LISTING_LIMIT: u64 = 2 << 20;

/// Total time of a listing, in multiples of [`HubSettings::patience`].
const LISTING_PATIENCE: u32 = 4;

/// The branch that is downloaded.
const BRANCH: &str = "main";

/// Content of a repository at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RepositoryListing {
    /// The commit, in hexadecimal.
    pub(super) commit: String,
    /// Names of the files.
    pub(super) files: BTreeSet<String>,
}

/// The hub's answer to a listing, as far as it is of interest.
#[derive(Deserialize)]
struct ListingAnswer {
    sha: String,
    siblings: Vec<ListedFile>,
}

#[derive(Deserialize)]
struct ListedFile {
    rfilename: String,
}

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
    agent: Agent,
}

impl<'a> Hub<'a> {
    /// Prepares to ask about `repository`, written `owner/name`; asks nothing yet.
    pub(super) fn new(settings: &'a HubSettings, repository: &'a str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("residue/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(settings.patience))
            .timeout_per_read(Some(settings.patience))
            .build()
            .new_agent();
        Self { settings, repository, agent }
    }

    fn endpoint(&self) -> &str {
        self.settings.endpoint.as_deref().unwrap_or(PUBLIC_HUB)
    }

    /// The repository's page, for messages.
    pub(super) fn page(&self) -> String {
        format!("{}/{}", self.endpoint(), self.repository)
    }

    fn listing_url(&self) -> String {
        format!("{}/api/models/{}/revision/{BRANCH}", self.endpoint(), self.repository)
    }

    fn file_url(&self, commit: &str, file: &str) -> String {
        format!("{}/resolve/{commit}/{file}", self.page())
    }

    /// The header that carries the token, if there is one.
    fn authorization(&self) -> Option<(ureq::http::HeaderName, String)> {
        let token = self.settings.token.as_ref()?;
        Some((AUTHORIZATION, format!("Bearer {token}")))
    }

    /// Fetches the repository's listing: its present commit and the names of its files.
    pub(super) fn listing(&self) -> Result<RepositoryListing, ModelsError> {
        let url = self.page();
        let mut request = self
            .agent
            .get(self.listing_url())
            .config()
            .timeout_global(Some(self.settings.patience * LISTING_PATIENCE))
            .build();
        if let Some((name, value)) = self.authorization() {
            request = request.header(name, value);
        }
        let mut response = request.call().map_err(|e| failure(&url, e))?;
        self.check_status(&url, response.status().as_u16())?;
        let answer = |found| ModelsError::Answer {
            url: url.clone(),
            expected: "a repository listing with `sha` and `siblings`",
            found,
        };
        let body = response.body_mut().with_config().limit(LISTING_LIMIT).read_to_vec();
        let text = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => answer(format!("more than {limit} bytes")),
            other => failure(&url, other),
        })?;
        let listing: ListingAnswer =
            serde_json::from_slice(&text).map_err(|e| answer(e.to_string()))?;
        // The commit becomes a folder's name.
        if listing.sha.is_empty() || !listing.sha.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(answer(format!("commit {:?}", listing.sha)));
        }
        let files = listing.siblings.into_iter().map(|file| file.rfilename).collect();
        Ok(RepositoryListing { commit: listing.sha, files })
    }

    /// The size and sum of a file of a commit.
    pub(super) fn describe(&self, commit: &str, file: &str) -> Result<RemoteFile, ModelsError> {
        let mut url = self.file_url(commit, file);
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
            if let Some((name, value)) = self.authorization() {
                request = request.header(name, value);
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
        if let Some((name, value)) = self.authorization() {
            request = request.header(name, value);
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

/// Translates a request without an answer into an error for the user.
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
    fn addresses_are_those_of_the_hub() {
        let mut settings = HubSettings::new("/cache");
        let repository = "OpenMOSS-Team/MOSS-Audio-Tokenizer";
        let hub = Hub::new(&settings, repository);
        assert_eq!(
            hub.listing_url(),
            "https://huggingface.co/api/models/OpenMOSS-Team/MOSS-Audio-Tokenizer/revision/main"
        );
        assert_eq!(hub.page(), "https://huggingface.co/OpenMOSS-Team/MOSS-Audio-Tokenizer");
        settings.endpoint = Some("http://mirror.test/hub".to_owned());
        assert_eq!(
            Hub::new(&settings, repository).file_url("0af", "model.safetensors"),
            "http://mirror.test/hub/OpenMOSS-Team/MOSS-Audio-Tokenizer/resolve/0af/model.safetensors"
        );
    }

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

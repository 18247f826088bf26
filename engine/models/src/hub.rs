//! Requests to the hub: what a repository holds, sizes and sums of its files, their bytes.
//!
//! | address | answers |
//! |---|---|
//! | `{endpoint}/api/models/{owner}/{name}/revision/{revision}` | the commit and the names of the files |
//! | `{endpoint}/{owner}/{name}/resolve/{commit}/{file}` | a file, or a redirect to the hub's storage |
//!
//! Every request has limits: each step of it in time, the listing also as a whole and in bytes.

use std::collections::BTreeSet;
use std::io::Read;

use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;
use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, RANGE};

use super::network::{Method, Network, Request};
use super::settings::PUBLIC_HUB;
use super::{HubSettings, ModelsError, hub_cache};

/// Largest listing, in bytes: the published ones have some kilobytes.
const LISTING_LIMIT: u64 = 2 << 20;

/// Total time of a listing, in multiples of [`HubSettings::patience`].
const LISTING_PATIENCE: u32 = 4;

/// The branch whose commit is downloaded of a model without a pinned revision.
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
    /// SHA-256 that is built into this program.
    pub(super) pinned: Option<&'static str>,
}

impl RemoteFile {
    /// The SHA-256 that the content must have: the pinned one, or else the one that the hub publishes. Small files
    /// may have none.
    pub(super) fn sha256(&self) -> Option<&str> {
        let published = hub_cache::is_sha256(&self.etag).then_some(self.etag.as_str());
        self.pinned.or(published)
    }
}

/// The connection to one repository.
pub(super) struct Hub<'a> {
    pub(super) settings: &'a HubSettings,
    repository: &'a str,
    /// The branch or commit.
    revision: &'a str,
    network: Network<'a>,
}

impl<'a> Hub<'a> {
    /// Prepares to ask about `repository`, written `owner/name`, at a commit or a branch, or at the present commit of
    /// its main branch; asks nothing yet.
    pub(super) fn new(
        settings: &'a HubSettings,
        repository: &'a str,
        revision: Option<&'a str>,
    ) -> Self {
        let network = Network::new(settings, settings.endpoint.as_deref().unwrap_or(PUBLIC_HUB));
        Self { settings, repository, revision: revision.unwrap_or(BRANCH), network }
    }

    fn endpoint(&self) -> &str {
        self.settings.endpoint.as_deref().unwrap_or(PUBLIC_HUB)
    }

    /// The repository's page, for messages.
    pub(super) fn page(&self) -> String {
        format!("{}/{}", self.endpoint(), self.repository)
    }

    fn listing_url(&self) -> String {
        format!("{}/api/models/{}/revision/{}", self.endpoint(), self.repository, self.revision)
    }

    fn file_url(&self, commit: &str, file: &str) -> String {
        format!("{}/resolve/{commit}/{file}", self.page())
    }

    /// Fetches the repository's listing: its commit and the names of its files.
    pub(super) fn listing(&self) -> Result<RepositoryListing, ModelsError> {
        let page = self.page();
        let (_, mut response) = self.network.send(&Request {
            method: Method::Get,
            url: &self.listing_url(),
            header: None,
            total: Some(self.settings.patience * LISTING_PATIENCE),
            follow: true,
        })?;
        self.check_status(&page, response.status().as_u16())?;
        let answer = |found| ModelsError::Answer {
            url: page.clone(),
            expected: "a repository listing with `sha` and `siblings`",
            found,
        };
        // It was not asked for, and its size says nothing about that of its content.
        if let Some(encoding) = text(response.headers(), CONTENT_ENCODING.as_str())
            && !encoding.eq_ignore_ascii_case("identity")
        {
            return Err(answer(format!("content encoded with {encoding:?}")));
        }
        let mut body = Vec::new();
        let read = response.body_mut().as_reader().take(LISTING_LIMIT + 1).read_to_end(&mut body);
        read.map_err(|error| ModelsError::Network {
            url: page.clone(),
            problem: error.to_string(),
        })?;
        if body.len() as u64 > LISTING_LIMIT {
            return Err(answer(format!("more than {LISTING_LIMIT} bytes")));
        }
        let listing: ListingAnswer =
            serde_json::from_slice(&body).map_err(|e| answer(e.to_string()))?;
        // The commit becomes a folder's name.
        if listing.sha.is_empty() || !listing.sha.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(answer(format!("commit {:?}", listing.sha)));
        }
        if is_commit(self.revision) && listing.sha != self.revision {
            return Err(answer(format!("commit {}, asked for {}", listing.sha, self.revision)));
        }
        let files = listing.siblings.into_iter().map(|file| file.rfilename).collect();
        Ok(RepositoryListing { commit: listing.sha, files })
    }

    /// The size and sum of a file of a commit.
    pub(super) fn describe(&self, commit: &str, file: &str) -> Result<RemoteFile, ModelsError> {
        // A redirect to the storage is not followed: its headers describe the file, and the storage knows
        // neither the sum nor us.
        let (url, response) = self.network.send(&Request {
            method: Method::Head,
            url: &self.file_url(commit, file),
            header: None,
            total: None,
            follow: false,
        })?;
        self.check_status(&url, response.status().as_u16())?;
        describe(file, url, response.headers(), response.status().is_success())
    }

    /// Asks for a file's bytes from `start` on, following redirects to the hub's storage.
    pub(super) fn open(&self, url: &str, start: u64) -> Result<Response<Body>, ModelsError> {
        let (_, response) = self.network.send(&Request {
            method: Method::Get,
            url,
            header: Some((RANGE, format!("bytes={start}-"))),
            total: None,
            follow: true,
        })?;
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

/// Returns true for the full name of a commit, as opposed to a branch.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
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
    let (name, etag) = (file.to_owned(), blob.to_owned());
    Ok(RemoteFile { name, etag, size: bytes, url: url.clone(), pinned: None })
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_hub() {
        let mut settings = HubSettings::new("/cache");
        let repository = "OpenMOSS-Team/MOSS-Audio-Tokenizer";
        let hub = Hub::new(&settings, repository, None);
        assert_eq!(
            hub.listing_url(),
            "https://huggingface.co/api/models/OpenMOSS-Team/MOSS-Audio-Tokenizer/revision/main"
        );
        assert_eq!(hub.page(), "https://huggingface.co/OpenMOSS-Team/MOSS-Audio-Tokenizer");
        settings.endpoint = Some("http://mirror.test/hub".to_owned());
        assert_eq!(
            Hub::new(&settings, repository, None).file_url("0af", "model.safetensors"),
            "http://mirror.test/hub/OpenMOSS-Team/MOSS-Audio-Tokenizer/resolve/0af/model.safetensors"
        );
    }
}

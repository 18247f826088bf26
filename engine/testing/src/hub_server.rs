//! A hub in miniature: two servers on this computer, the hub itself and the storage it redirects to.
//!
//! Routes as on the real one: the listing; `resolve`, which redirects weights to the storage and
//! small files to another path of the hub; headers `X-Linked-ETag`, `X-Linked-Size`, `X-Repo-Commit`.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::sample::{REPOSITORY, sha256};

/// The commit that `main` is at.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request that came.
#[derive(Clone, Debug, Default)]
pub struct HubRequest {
    /// `GET` and the like.
    pub method: String,
    /// With its query.
    pub path: String,
    /// The header of that name.
    pub range: Option<String>,
    /// The header of that name.
    pub authorization: Option<String>,
    /// The header of that name.
    pub accept_encoding: Option<String>,
    /// True: to the storage; false: to the hub.
    pub storage: bool,
    /// Bytes of the body that were sent back.
    pub sent: usize,
}

/// A fault of one answer of the storage.
#[derive(Clone, Copy, Debug)]
pub enum HubFault {
    /// Closes the connection after so many bytes.
    Close(usize),
    /// Sends nothing more after so many bytes, with the connection open.
    Stall(usize),
}

/// Content and behavior of the hub.
#[derive(Default)]
pub struct HubState {
    /// Files of the model, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Replacement content for a file of the storage.
    pub stored: BTreeMap<String, Vec<u8>>,
    /// Of the next answers of the storage, one each.
    pub mishaps: VecDeque<HubFault>,
    /// The token without which everything is refused.
    pub token: Option<String>,
    /// Files are sent from their beginning, whatever was asked for.
    pub ignore_range: bool,
    /// Sent with every `resolve` instead of the true header.
    pub etag: Option<String>,
    /// Size of weights that `resolve` announces instead of the true one.
    pub linked_size: Option<u64>,
    /// The repository that is served, instead of [`REPOSITORY`].
    pub repository: Option<String>,
    /// The commit of the repository, instead of [`COMMIT`].
    pub commit: Option<String>,
    /// Former name of the repository, which leads to the present one.
    pub former: Option<String>,
    /// Address of the storage in redirects, instead of its own, without a trailing slash.
    pub storage: Option<String>,
    /// Address that requests for a listing are redirected to.
    pub listing_redirect: Option<String>,
    /// Sent with the listing as its encoding.
    pub listing_encoding: Option<String>,
    /// All that came.
    pub requests: Vec<HubRequest>,
}

/// A hub and its storage, which serve one model.
pub struct HubServer {
    hub: SocketAddr,
    storage: SocketAddr,
    state: Arc<Mutex<HubState>>,
}

impl HubServer {
    /// Starts serving `files`; the threads end with the test process.
    pub fn start(files: Vec<(&str, Vec<u8>)>) -> Self {
        let files = files.into_iter().map(|(name, content)| (name.to_owned(), content)).collect();
        let state = Arc::new(Mutex::new(HubState { files, ..HubState::default() }));
        let storage = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = storage.local_addr().unwrap();
        let server = Self { hub: hub.local_addr().unwrap(), storage: address, state };
        for (listener, is_storage) in [(hub, false), (storage, true)] {
            let state = server.state.clone();
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let state = state.clone();
                    // A client that goes away in the middle is part of what is tested.
                    thread::spawn(move || serve(stream, &state, is_storage, address));
                }
            });
        }
        server
    }

    /// The address of the hub, without a trailing slash.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.hub)
    }

    /// The address of the storage.
    pub fn storage_address(&self) -> SocketAddr {
        self.storage
    }

    /// Returns the state, to inspect and to change.
    pub fn state(&self) -> MutexGuard<'_, HubState> {
        self.state.lock().unwrap()
    }

    /// The requests for weights that reached the storage.
    pub fn downloads(&self) -> Vec<HubRequest> {
        self.state().requests.iter().filter(|r| r.storage).cloned().collect()
    }
}

fn serve(
    stream: TcpStream,
    state: &Mutex<HubState>,
    storage: bool,
    storage_address: SocketAddr,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split(' ').map(str::to_owned);
    let mut request = HubRequest {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        storage,
        ..HubRequest::default()
    };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = Some(value.to_owned()),
            "accept-encoding" => request.accept_encoding = Some(value.to_owned()),
            "authorization" => request.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let index = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        state.requests.len() - 1
    };
    let answer = Answer { stream, state, index, request };
    if storage { answer.storage() } else { answer.hub(storage_address) }
}

struct Answer<'a> {
    stream: TcpStream,
    state: &'a Mutex<HubState>,
    index: usize,
    request: HubRequest,
}

impl Answer<'_> {
    fn hub(mut self, storage: SocketAddr) -> std::io::Result<()> {
        let path = self.request.path.clone();
        let state = {
            let state = self.state.lock().unwrap();
            HubState {
                files: state.files.clone(),
                token: state.token.clone(),
                etag: state.etag.clone(),
                linked_size: state.linked_size,
                repository: state.repository.clone(),
                commit: state.commit.clone(),
                former: state.former.clone(),
                storage: state.storage.clone(),
                listing_redirect: state.listing_redirect.clone(),
                listing_encoding: state.listing_encoding.clone(),
                ..HubState::default()
            }
        };
        let files = &state.files;
        let repository = state.repository.as_deref().unwrap_or(REPOSITORY);
        let commit = state.commit.as_deref().unwrap_or(COMMIT);
        if state.token.is_some_and(|t| self.request.authorization != Some(format!("Bearer {t}"))) {
            return self.head("401 Unauthorized", "Content-Length: 0\r\n");
        }
        if let Some(former) = state.former.filter(|former| path.contains(&format!("/{former}/"))) {
            let address = path.replacen(&former, repository, 1);
            let headers = format!("Location: {address}\r\n");
            return self.whole("307 Temporary Redirect", &headers, b"");
        }
        if path.starts_with(&format!("/api/models/{repository}/revision/")) {
            if let Some(address) = state.listing_redirect {
                return self.whole("302 Found", &format!("Location: {address}\r\n"), b"");
            }
            let encoding =
                state.listing_encoding.map(|name| format!("Content-Encoding: {name}\r\n"));
            let names = files.keys().map(|name| format!(r#"{{"rfilename":"{name}"}}"#));
            let names = names.collect::<Vec<_>>().join(",");
            let body = format!(r#"{{"sha":"{commit}","siblings":[{names}]}}"#);
            return self.whole("200 OK", &encoding.unwrap_or_default(), body.as_bytes());
        }
        if let Some(name) = path.strip_prefix(&format!("/{repository}/resolve/{commit}/"))
            && let Some(content) = files.get(name)
        {
            let etag = state.etag.unwrap_or_else(|| sha256(content));
            let storage = state.storage.unwrap_or_else(|| format!("http://{storage}"));
            let headers = if name.ends_with(".safetensors") {
                format!(
                    "Location: {storage}/{name}?signature=x\r\nX-Linked-Size: {}\r\nX-Linked-ETag: \"{etag}\"\r\nX-Repo-Commit: {commit}\r\n",
                    state.linked_size.unwrap_or(content.len() as u64)
                )
            } else {
                format!("Location: /small/{name}\r\n")
            };
            return self.whole("302 Found", &headers, b"Found. Redirecting.");
        }
        if let Some(content) = path.strip_prefix("/small/").and_then(|name| files.get(name)) {
            // Small files carry an etag that is no sha256.
            let headers = format!("ETag: W/\"{}\"\r\n", &sha256(content)[..40]);
            return self.content(&headers, content);
        }
        self.head("404 Not Found", "Content-Length: 0\r\n")
    }

    fn storage(mut self) -> std::io::Result<()> {
        let name = self.request.path.trim_start_matches('/').split('?').next().unwrap().to_owned();
        let content = {
            let state = self.state.lock().unwrap();
            state.stored.get(&name).or_else(|| state.files.get(&name)).cloned()
        };
        match content {
            Some(content) => self.content("", &content),
            None => self.head("404 Not Found", "Content-Length: 0\r\n"),
        }
    }

    /// A file, or the part of it that was asked for.
    fn content(&mut self, headers: &str, content: &[u8]) -> std::io::Result<()> {
        let range = self.request.range.as_deref().and_then(|range| {
            range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
        });
        let ignore = self.state.lock().unwrap().ignore_range;
        match range.filter(|_| !ignore) {
            Some(start) if start >= content.len() => {
                self.head("416 Range Not Satisfiable", "Content-Length: 0\r\n")
            }
            Some(start) => {
                let total = content.len();
                let range = format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
                self.whole("206 Partial Content", &(range + headers), &content[start..])
            }
            None => self.whole("200 OK", headers, content),
        }
    }

    fn head(&mut self, status: &str, headers: &str) -> std::io::Result<()> {
        write!(self.stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n")
    }

    fn whole(&mut self, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
        self.head(status, &format!("{headers}Content-Length: {}\r\n", body.len()))?;
        if self.request.method == "HEAD" {
            return Ok(());
        }
        let mishap = self.request.storage.then(|| self.state.lock().unwrap().mishaps.pop_front());
        let length = match mishap.flatten() {
            Some(HubFault::Close(length) | HubFault::Stall(length)) => length.min(body.len()),
            None => body.len(),
        };
        self.state.lock().unwrap().requests[self.index].sent = length;
        self.stream.write_all(&body[..length])?;
        if let Some(Some(HubFault::Stall(_))) = mishap {
            thread::sleep(Duration::from_secs(3));
        }
        Ok(())
    }
}

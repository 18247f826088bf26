//! One file from the hub into the cache: resumable, summed while it arrives, renamed when whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::header::CONTENT_RANGE;
use ureq::http::{HeaderMap, StatusCode};

use super::ModelsError;
use super::hub::{Hub, RemoteFile};
use super::model_checksum::{BLOCK, sum_all};
use super::progress::{ProgressStage, ProgressTally};
use residue_core::hex;

/// How long to sleep between two looks at whether the caller wants to stop.
const NAP: Duration = Duration::from_millis(50);

/// Brings `remote` to `blob`. Until all of it is there and its sum is right it lies in `blob.part`;
/// a later call goes on from there.
pub(super) fn download(
    hub: &Hub<'_>,
    remote: &RemoteFile,
    blob: &Path,
    tally: &mut ProgressTally<'_>,
) -> Result<(), ModelsError> {
    if let Some(parent) = blob.parent() {
        fs::create_dir_all(parent)
            .map_err(|source| ModelsError::in_cache("create", parent, source))?;
    }
    let _lock = lock(blob, remote, tally)?;
    // Another process may have finished it while this one waited for the lock.
    if fs::metadata(blob).is_ok_and(|m| m.len() == remote.size) {
        return Ok(());
    }
    let mut part = Part::open(blob.with_extension("part"), remote, tally)?;
    let mut attempt = 0;
    while part.length < remote.size {
        let before = part.length;
        match part.fetch(hub, remote, tally) {
            Ok(()) => {}
            Err(error) if is_transient(&error) => {
                attempt = if part.length > before { 1 } else { attempt + 1 };
                if attempt > hub.settings.retries {
                    return Err(error);
                }
                let pause = hub.settings.retry_pause * 2u32.pow((attempt - 1).min(5));
                rest(pause, || tally.report(ProgressStage::Retrying, &remote.name, part.length))?;
            }
            Err(error) => return Err(error),
        }
    }
    part.finish(remote, blob)
}

/// True for what time may mend.
fn is_transient(error: &ModelsError) -> bool {
    match error {
        ModelsError::Network { .. } | ModelsError::Interrupted { .. } => true,
        ModelsError::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
        _ => false,
    }
}

/// Sleeps for `pause`, asking `goes_on` all along.
fn rest(
    pause: Duration,
    mut goes_on: impl FnMut() -> Result<(), ModelsError>,
) -> Result<(), ModelsError> {
    let mut left = pause;
    loop {
        goes_on()?;
        let nap = left.min(NAP);
        if nap.is_zero() {
            return Ok(());
        }
        std::thread::sleep(nap);
        left -= nap;
    }
}

/// Holds `blob.lock`, which the hub's client crate takes too, so that two programs never write one
/// file. Released when dropped; the system releases it if this process dies.
fn lock(
    blob: &Path,
    remote: &RemoteFile,
    tally: &mut ProgressTally<'_>,
) -> Result<File, ModelsError> {
    let path = blob.with_extension("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| ModelsError::in_cache("create", &path, source))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                rest(NAP, || tally.report(ProgressStage::Waiting, &remote.name, 0))?;
            }
            // Some network disks have no locks; the sum still guards the result there.
            Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(e)) => return Err(ModelsError::in_cache("lock", &path, e)),
        }
    }
}

/// A file that is not whole yet, with the running sum of what is there.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
    sum: Sha256,
}

impl Part {
    /// Opens what an earlier attempt left, or starts empty.
    fn open(
        path: PathBuf,
        remote: &RemoteFile,
        tally: &mut ProgressTally<'_>,
    ) -> Result<Self, ModelsError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| ModelsError::in_cache("create", &path, source))?;
        let mut part = Self { path, file, length: 0, sum: Sha256::new() };
        let left = part.file.metadata().map_err(|e| part.failure("read", e))?.len();
        // A file that cannot be checked is not resumed (only small files have no published sum), nor is
        // what is longer than the file.
        if remote.sha256().is_none() || left > remote.size {
            part.restart()?;
            return Ok(part);
        }
        let failure = |source| ModelsError::in_cache("read", &part.path, source);
        (part.sum, part.length) = sum_all(&mut part.file, failure, |length| {
            tally.report(ProgressStage::Checking, &remote.name, length)
        })?;
        Ok(part)
    }

    /// Throws away what is there.
    fn restart(&mut self) -> Result<(), ModelsError> {
        self.length = 0;
        self.sum = Sha256::new();
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map(|_| ()).map_err(|e| self.failure("write", e))
    }

    /// One request: appends what comes until the file is whole or the connection breaks.
    fn fetch(
        &mut self,
        hub: &Hub<'_>,
        remote: &RemoteFile,
        tally: &mut ProgressTally<'_>,
    ) -> Result<(), ModelsError> {
        tally.report(ProgressStage::Downloading, &remote.name, self.length)?;
        let mut response = hub.open(&remote.url, self.length)?;
        if response.status() == StatusCode::PARTIAL_CONTENT {
            check_range(response.headers(), self.length, remote)?;
        } else {
            // A server that ignores ranges sends everything: appending that would corrupt the file.
            self.restart()?;
            if let Some(length) = response.body().content_length() {
                check_size(length, remote)?;
            }
        }
        // One byte more than fits, so that too long an answer is noticed.
        let mut body = response.body_mut().as_reader().take(remote.size - self.length + 1);
        let mut block = vec![0; BLOCK];
        loop {
            let problem = match body.read(&mut block) {
                Ok(0) if self.length == remote.size => return Ok(()),
                Ok(0) => "the server closed it".to_owned(),
                Ok(count) if count as u64 > remote.size - self.length => {
                    return check_size(self.length + count as u64, remote);
                }
                Ok(count) => {
                    self.file.write_all(&block[..count]).map_err(|e| self.failure("write", e))?;
                    self.sum.update(&block[..count]);
                    self.length += count as u64;
                    tally.report(ProgressStage::Downloading, &remote.name, self.length)?;
                    continue;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => e.to_string(),
            };
            return Err(ModelsError::Interrupted {
                url: remote.url.clone(),
                expected: remote.size,
                found: self.length,
                problem,
            });
        }
    }

    /// Checks the sum and gives the file its name.
    fn finish(self, remote: &RemoteFile, blob: &Path) -> Result<(), ModelsError> {
        if let Some(expected) = remote.sha256() {
            let found = hex(&self.sum.clone().finalize());
            if found != expected {
                fs::remove_file(&self.path).map_err(|e| self.failure("delete", e))?;
                let url = remote.url.clone();
                return Err(match remote.pinned {
                    Some(expected) => ModelsError::Pinned { url, expected, found },
                    None => ModelsError::Hash { url, expected: expected.to_owned(), found },
                });
            }
        }
        // On disk before it has its name: a file with its name is whole even after a power cut.
        self.file.sync_all().map_err(|e| self.failure("write", e))?;
        fs::rename(&self.path, blob).map_err(|e| ModelsError::in_cache("rename", &self.path, e))
    }

    fn failure(&self, action: &'static str, source: io::Error) -> ModelsError {
        ModelsError::in_cache(action, &self.path, source)
    }
}

/// Checks that a partial answer starts where it was asked to and belongs to a file of the right size.
fn check_range(headers: &HeaderMap, start: u64, remote: &RemoteFile) -> Result<(), ModelsError> {
    let value = headers.get(CONTENT_RANGE).and_then(|v| v.to_str().ok()).unwrap_or("none");
    let parsed = value.strip_prefix("bytes ").and_then(|range| {
        let (span, total) = range.split_once('/')?;
        let (first, _) = span.split_once('-')?;
        Some((first.trim().parse::<u64>().ok()?, total.trim().parse::<u64>().ok()?))
    });
    match parsed {
        Some((first, total)) if first == start => check_size(total, remote),
        _ => Err(ModelsError::Answer {
            url: remote.url.clone(),
            expected: "a Content-Range that starts where the file ends on this computer",
            found: format!("{value:?} (asked for bytes {start}-)"),
        }),
    }
}

fn check_size(found: u64, remote: &RemoteFile) -> Result<(), ModelsError> {
    if found == remote.size {
        return Ok(());
    }
    Err(ModelsError::Size { url: remote.url.clone(), expected: remote.size, found })
}

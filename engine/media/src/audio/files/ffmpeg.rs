//! Decoding by an ffmpeg that is installed, for files that this program does not decode surely.
//!
//! It is started without a shell, reads one local file and nothing else, tells containers by their content among a
//! list without playlists, and is ended where it takes too long or writes too much.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::collector::{FileFacts, SampleCollector, Stop};
use super::pcm::fill;
use super::wave_format::WaveCoding;
use super::{AudioFileError, DecodedFile, ReadWarning};

/// Names another program than the first `ffmpeg` in the path; empty, none.
const VARIABLE: &str = "RESIDUE_FFMPEG";
/// Largest block of memory that ffmpeg may ask for, in bytes.
const MAX_BLOCK: &str = "268435456";
/// Bytes kept of what ffmpeg reports.
const REPORT_BYTES: usize = 1 << 13;
/// Largest header chunk of its output.
const MAX_CHUNK_BYTES: usize = 1 << 12;
/// Containers that it may look for. Playlists and scripts, which name other files, are none of them, nor are raw
/// formats that any bytes may look like.
const FORMATS: &str = "aac,ac3,aiff,amr,ape,asf,asf_o,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,\
    loas,matroska,webm,mlp,mov,mp4,m4a,3gp,mp3,mpc,mpc8,mpeg,mpegts,ogg,oma,rm,tak,truehd,tta,voc,\
    w64,wav,wv,xwma";

/// Time limits of ffmpeg for a file, after which it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FfmpegLimits {
    /// The longest that a file may take.
    pub duration: Duration,
    /// The longest without a byte of output.
    pub silence: Duration,
}

impl Default for FfmpegLimits {
    /// Ten minutes, one of them without output.
    fn default() -> Self {
        Self { duration: Duration::from_secs(600), silence: Duration::from_secs(60) }
    }
}

/// An ffmpeg program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    program: PathBuf,
    limits: FfmpegLimits,
}

impl Ffmpeg {
    /// Finds ffmpeg: the program that `RESIDUE_FFMPEG` names, or the first `ffmpeg` in the path. An empty
    /// `RESIDUE_FFMPEG` finds none. Looks at the disk; not realtime-safe.
    pub fn find() -> Option<Self> {
        match env::var_os(VARIABLE) {
            Some(program) if program.is_empty() => None,
            Some(program) => Some(Self::at(program.into())),
            None => Self::in_path(&env::var_os("PATH")?),
        }
    }

    /// Returns ffmpeg at a place of its own.
    pub fn at(program: PathBuf) -> Self {
        Self { program, limits: FfmpegLimits::default() }
    }

    /// Sets the time limits.
    pub fn with_limits(self, limits: FfmpegLimits) -> Self {
        Self { limits, ..self }
    }

    /// Relative folders are left out: a file next to the audio is not to be run.
    fn in_path(path: &OsString) -> Option<Self> {
        let name = format!("ffmpeg{}", env::consts::EXE_SUFFIX);
        let mut folders = env::split_paths(path).filter(|folder| folder.is_absolute());
        folders.find_map(|folder| {
            let program = folder.join(&name);
            program.is_file().then(|| Self::at(program))
        })
    }

    /// Decodes the first audio track of `file`; `path` is its name in errors, and `what` what it was needed for.
    pub(super) fn read(
        &self,
        path: &Path,
        file: &Path,
        what: String,
        max_samples: usize,
    ) -> Result<DecodedFile, FfmpegError> {
        let mut run = Run::start(self, file).map_err(|error| {
            FfmpegError::Failed(format!("{} cannot be started: {error}", self.program.display()))
        })?;
        let mut collector = SampleCollector::new(path, max_samples);
        let output = run.output.take();
        let collected = output.map_or(Ok(None), |output| {
            collect(output, &run.received, &mut collector).map_err(FfmpegError::Audio)
        });
        // Ends it where the limit was passed.
        if collected.is_err() {
            run.kill();
        }
        let ending = run.finish();
        let order = collected?;
        let report = ending.report.clone();
        if order.is_none() {
            let reason = ending.reason().unwrap_or_else(|| "it wrote no audio".into());
            return Err(FfmpegError::Failed(reason));
        }
        collector.warn(ReadWarning::DecodedByFfmpeg { what });
        let stop = match ending.reason() {
            Some(reason) => Stop::Broken(reason),
            None => {
                if let Some(line) = report {
                    collector.warn(ReadWarning::FfmpegReported { line });
                }
                Stop::End
            }
        };
        collector.finish(FileFacts { stop, order, ..FileFacts::default() }).map_err(|error| {
            match error {
                AudioFileError::NothingDecoded { reason, .. } => FfmpegError::Failed(reason),
                other => FfmpegError::Audio(other),
            }
        })
    }
}

/// The reason why ffmpeg gave no audio.
pub(super) enum FfmpegError {
    /// It could not be started, or failed, with its words.
    Failed(String),
    /// Its audio is beyond a bound of this program.
    Audio(AudioFileError),
}

/// A running ffmpeg.
struct Run {
    child: Arc<Mutex<Child>>,
    output: Option<ChildStdout>,
    report: thread::JoinHandle<Option<String>>,
    watchdog: thread::JoinHandle<bool>,
    limits: FfmpegLimits,
    /// Dropped at the end, for the watchdog.
    done: std::sync::mpsc::Sender<()>,
    /// Bytes of output so far.
    received: Arc<AtomicU64>,
}

/// The end of a run.
struct Ending {
    success: bool,
    /// The limits, if it was ended at one.
    late: Option<FfmpegLimits>,
    /// The last line it reported.
    report: Option<String>,
}

impl Ending {
    /// Returns the reason of a failure.
    fn reason(&self) -> Option<String> {
        if let Some(FfmpegLimits { duration, silence }) = self.late {
            return Some(format!(
                "ffmpeg was ended after {} s, or {} s without output",
                duration.as_secs_f32(),
                silence.as_secs_f32()
            ));
        }
        let words = || self.report.clone().unwrap_or_else(|| "it failed without a word".into());
        (!self.success).then(words)
    }
}

/// Keeps Windows from opening a console window for a program, which it does where ours has none.
fn without_window(command: &mut Command) {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        /// `CREATE_NO_WINDOW` of Windows' `CreateProcess`.
        const NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(NO_WINDOW);
    }
    #[cfg(not(windows))]
    let _ = command;
}

impl Run {
    fn start(ffmpeg: &Ffmpeg, file: &Path) -> io::Result<Self> {
        let mut address = OsString::from("file:");
        address.push(file);
        let mut command = Command::new(&ffmpeg.program);
        without_window(&mut command);
        let mut child = command
            .args(["-nostdin", "-hide_banner", "-v", "error", "-max_alloc", MAX_BLOCK])
            .args(["-protocol_whitelist", "file,pipe", "-format_whitelist", FORMATS, "-i"])
            .arg(address)
            .args(["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "-bitexact", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take();
        let errors = child.stderr.take();
        let child = Arc::new(Mutex::new(child));
        let report = thread::spawn(move || errors.and_then(last_line));
        let received = Arc::new(AtomicU64::new(0));
        let (done, ended) = channel();
        let limits = ffmpeg.limits;
        let watchdog = {
            let (child, received) = (child.clone(), received.clone());
            thread::spawn(move || {
                let (start, mut progress, mut seen) = (Instant::now(), Instant::now(), 0);
                while ended.recv_timeout(Duration::from_millis(200))
                    == Err(RecvTimeoutError::Timeout)
                {
                    let now = received.load(Relaxed);
                    if now != seen {
                        (seen, progress) = (now, Instant::now());
                    }
                    if start.elapsed() > limits.duration || progress.elapsed() > limits.silence {
                        kill(&child);
                        return true;
                    }
                }
                false
            })
        };
        Ok(Self { child, output, report, watchdog, limits, done, received })
    }

    fn kill(&self) {
        kill(&self.child);
    }

    fn finish(self) -> Ending {
        // The output is closed by now, so that it ends soon, or by the watchdog's hand.
        let success = loop {
            let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            match status {
                Ok(Some(status)) => break status.success(),
                Ok(None) => thread::sleep(Duration::from_millis(2)),
                Err(_) => break false,
            }
        };
        drop(self.done);
        let late = self.watchdog.join().unwrap_or(false).then_some(self.limits);
        let report = self.report.join().unwrap_or(None);
        Ending { success, late, report }
    }
}

fn kill(child: &Mutex<Child>) {
    // It may have ended by itself.
    let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
}

/// Returns the last line of `source`, without control characters, once it ends.
fn last_line(mut source: impl Read) -> Option<String> {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        kept.drain(..kept.len().saturating_sub(REPORT_BYTES));
    }
    let text = String::from_utf8_lossy(&kept);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().chars().filter(|letter| !letter.is_control()).collect())
}

/// A reader that counts its bytes.
struct Counted<'a> {
    source: ChildStdout,
    received: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.received.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}

/// Reads a WAV from ffmpeg's output to its end; returns the order of its channels, `None` where there is no WAV.
fn collect(
    output: ChildStdout,
    received: &AtomicU64,
    collector: &mut SampleCollector<'_>,
) -> Result<Option<super::channel_order::ChannelOrder>, AudioFileError> {
    let mut source = BufReader::with_capacity(1 << 16, Counted { source: output, received });
    let mut read = |count: usize| {
        let mut bytes = vec![0; count];
        match fill(&mut source, &mut bytes) {
            Ok(filled) if filled == count => Some(bytes),
            _ => None,
        }
    };
    if read(12).is_none() {
        return Ok(None);
    }
    let mut coding = None;
    loop {
        let Some(header) = read(8) else { return Ok(None) };
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        match &header[..4] {
            b"data" => break,
            _ if size > MAX_CHUNK_BYTES => return Ok(None),
            id => {
                let is_format = id == b"fmt ";
                let Some(bytes) = read(size.next_multiple_of(2)) else { return Ok(None) };
                if is_format {
                    coding = Some(WaveCoding::parse(collector.path(), &bytes, false)?);
                }
            }
        }
    }
    let Some(WaveCoding::Pcm(format, order)) = coding else { return Ok(None) };
    format.collect(&mut source, collector)?;
    Ok(Some(order))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_told_without_control_characters() {
        let text = b"first\nmoov atom \x1b[31mnot found\n\n";
        assert_eq!(last_line(&text[..]), Some("moov atom [31mnot found".into()));
        assert_eq!(last_line(&b""[..]), None);
    }

    #[test]
    fn relative_folders_of_the_path_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("ffmpeg{}", env::consts::EXE_SUFFIX);
        std::fs::write(folder.path().join(&name), "").unwrap();
        let path = env::join_paths([Path::new("."), Path::new("bin"), folder.path()]).unwrap();
        assert_eq!(Ffmpeg::in_path(&path), Some(Ffmpeg::at(folder.path().join(&name))));
        assert_eq!(Ffmpeg::in_path(&".".into()), None);
    }
}

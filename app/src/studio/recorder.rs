//! The recorder: writes the sound that is heard, its lanes and its codes to files while they play.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use residue_engine::audio::{SpeakerMask, WavFormat, WavWriter};
use residue_engine::live::PortControl;

use super::desired::DesiredRecording;
use super::recorded_codes::{FILES as CODE_FILES, RecordedCodes};
use super::shared::StudioShared;
use super::sound::{KINDS, RecordingFlags, RecordingReader, RecordingSink, recording_ring};
use super::state::{RecordingState, Severity};

/// Names of the files, in the order of the ring's planes.
const FILES: [&str; KINDS] = ["heard.wav", "dry.wav", "a.wav", "b.wav"];
/// Length of the ring to the writer in seconds: the longest that a disk may stand still.
const RING_SECONDS: f64 = 4.0;
/// Time between two reads of the ring.
const TURN: Duration = Duration::from_millis(20);
/// Time between two updates of the headers, which is all that a killed process loses.
const UPDATE: Duration = Duration::from_secs(2);

/// The reason why a recording does not start or ends early.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A folder that cannot be made.
    #[error("cannot record to {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A folder that holds a recording already.
    #[error("{} already holds {name}; record to another folder", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
        /// The file that is there.
        name: &'static str,
    },
    /// A file that cannot be made or written on.
    #[error("cannot write to {}: {source}", folder.display())]
    Write {
        /// Its folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Sound that no WAV file can hold.
    #[error("cannot record: {0}")]
    Format(String),
}

/// Makes the files; returns the audio thread's end and the writer. The recording ends when it is no longer
/// the one that is asked for.
///
/// # Errors
/// If nothing can be written, or the folder holds a recording already.
pub fn create(
    wanted: &DesiredRecording,
    control: &PortControl,
    player: u64,
) -> Result<(RecordingSink, RecordingWriter), RecordError> {
    let (rate, channels) = (control.config().rate, control.config().channels);
    let folder = &wanted.options.folder;
    fs::create_dir_all(folder)
        .map_err(|source| RecordError::Folder { folder: folder.clone(), source })?;
    let mut names = FILES.iter().chain(CODE_FILES.into_iter().flatten());
    if let Some(name) = names.find(|name| folder.join(name).exists()) {
        return Err(RecordError::Exists { folder: folder.clone(), name });
    }
    let wavs = create_wavs(folder, rate, channels)?;
    let room = (f64::from(rate) * RING_SECONDS) as usize + 2 * control.config().max_block;
    let (sink, reader, flags) = recording_ring(channels, room, wanted.serial, player);
    let writer = RecordingWriter {
        serial: wanted.serial,
        folder: folder.clone(),
        wavs,
        reader,
        flags,
        rate,
        channels,
        samples: 0,
        next: None,
        filled: 0,
        codes: RecordedCodes::new(control.codes_with_history(), folder.clone()),
    };
    Ok((sink, writer))
}

/// Makes the sound's files, all or none.
fn create_wavs(
    folder: &Path,
    rate: u32,
    channels: usize,
) -> Result<Vec<WavWriter<BufWriter<File>>>, RecordError> {
    let format = WavFormat::new(rate, channels, SpeakerMask::of_count(channels))
        .map_err(RecordError::Format)?;
    let mut made = Vec::new();
    let create = |name: &&str| {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        made.push(path);
        WavWriter::growing(BufWriter::new(file), format)
    };
    FILES.iter().map(create).collect::<Result<_, _>>().map_err(|source| {
        for path in made {
            // The folder is as it was, as far as that can be.
            let _ = fs::remove_file(path);
        }
        RecordError::Write { folder: folder.to_owned(), source }
    })
}

/// Whether a recording is still asked for.
fn is_wanted(shared: &StudioShared, serial: u64) -> bool {
    let requests = shared.requests();
    requests.desired().recording.as_ref().is_some_and(|wanted| wanted.serial == serial)
}

/// Asks no longer for a recording that did not start or has ended by itself.
pub fn forget(shared: &StudioShared, serial: u64) {
    shared.requests().change(|desired| {
        if desired.recording.as_ref().is_some_and(|wanted| wanted.serial == serial) {
            desired.recording = None;
        }
    });
}

/// Writes the files of a recording.
pub struct RecordingWriter {
    serial: u64,
    folder: PathBuf,
    wavs: Vec<WavWriter<BufWriter<File>>>,
    reader: RecordingReader,
    flags: Arc<RecordingFlags>,
    rate: u32,
    channels: usize,
    /// Written, a channel.
    samples: u64,
    /// The lane sample that is expected next.
    next: Option<u64>,
    /// Samples that were silence in place of dropped ones.
    filled: u64,
    codes: RecordedCodes,
}

impl RecordingWriter {
    /// Writes on a thread of its own, and shows the recording.
    pub fn start(self, shared: &Arc<StudioShared>) {
        shared.observed().recording = Some(self.show());
        shared.spawn("record", move |shared| self.run(shared));
    }

    fn run(mut self, shared: &StudioShared) {
        let mut updated = Instant::now();
        let problem = loop {
            if !is_wanted(shared, self.serial) {
                self.flags.stop.store(true, Ordering::Relaxed);
            }
            // Asked first: what was recorded before the end is then there to be seen.
            let ended = self.flags.ended.load(Ordering::Acquire);
            let written = self.drain().and_then(|()| self.codes.append()).and_then(|()| {
                if updated.elapsed() > UPDATE {
                    updated = Instant::now();
                    return self.update();
                }
                Ok(())
            });
            shared.observed().recording = Some(self.show());
            if let Err(error) = written {
                self.flags.stop.store(true, Ordering::Relaxed);
                break Some(error);
            }
            if ended {
                break None;
            }
            thread::sleep(TURN);
        };
        self.finish(shared, problem);
    }

    /// Makes the headers state what is there.
    fn update(&mut self) -> io::Result<()> {
        self.wavs.iter_mut().try_for_each(WavWriter::update)?;
        self.codes.update()
    }

    /// Writes the blocks in the ring.
    fn drain(&mut self) -> io::Result<()> {
        let Self { reader, wavs, channels, samples, next, filled, codes, flags, .. } = self;
        let channels = *channels;
        let mut written = Ok(());
        let mut block = |first: u64, count: usize, words: &[u32]| {
            // Dropped samples are silent, so that everything else keeps its place in time.
            let missing = next.map_or(0, |next| first.saturating_sub(next));
            let missing = missing.min(flags.dropped.load(Ordering::Relaxed) - *filled);
            *filled += missing;
            for (kind, wav) in wavs.iter_mut().enumerate() {
                wav.write_interleaved((0..missing * channels as u64).map(|_| 0.0))?;
                let samples = words.iter().skip(kind).step_by(KINDS).copied();
                wav.write_interleaved(samples.map(f32::from_bits))?;
            }
            *samples += missing + count as u64;
            *next = Some(first + count as u64);
            codes.heard(first..first + count as u64);
            Ok(())
        };
        while written.is_ok()
            && reader.next(|first, count, words| written = block(first, count, words))
        {}
        written
    }

    fn show(&self) -> RecordingState {
        RecordingState {
            folder: self.folder.clone(),
            files: FILES.iter().map(|name| self.folder.join(name)).collect(),
            milliseconds: self.samples * 1000 / u64::from(self.rate),
            dropped_samples: self.flags.dropped.load(Ordering::Relaxed),
            frames: self.codes.frames(),
        }
    }

    fn finish(mut self, shared: &StudioShared, problem: Option<io::Error>) {
        let seconds = self.samples as f64 / f64::from(self.rate);
        // Everything before a problem is to be readable all the same.
        let finished = self.codes.append().and(self.update());
        let problem = problem.or(finished.err());
        let problem =
            problem.map(|source| RecordError::Write { folder: self.folder.clone(), source });
        let was_stopped =
            self.flags.stop.load(Ordering::Relaxed) || !is_wanted(shared, self.serial);
        forget(shared, self.serial);
        shared.observed().recording = None;
        let folder = self.folder.display();
        let dropped = self.flags.dropped.load(Ordering::Relaxed);
        if let Some(problem) = problem {
            let text = format!("the recording ended after {seconds:.1} s: {problem}");
            shared.notice(Severity::Error, text);
        } else if !was_stopped {
            let text = format!(
                "the recording ended after {seconds:.1} s because the sound was started anew; it is in {folder}"
            );
            shared.notice(Severity::Warning, text);
        } else {
            shared.notice(Severity::Info, format!("recorded {seconds:.1} s to {folder}"));
        }
        if dropped > 0 {
            let text = format!(
                "the disk was too slow: {dropped} samples of the recording are silent, in all files alike"
            );
            shared.notice(Severity::Warning, text);
        }
        if let Some(reason) = self.codes.ended() {
            shared.notice(Severity::Warning, format!("the recorded codes end early: {reason}"));
        }
    }
}

//! The recorder: writes the sound that is heard, its lanes and its codes to files while they play.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use hound::{SampleFormat, WavSpec, WavWriter};
use residue_engine::live::{CodesReader, NO_CODE, PortControl};
use residue_engine::tokens::{Codes, CodesError, NpyError, npy};

use super::desired::DesiredRecording;
use super::shared::StudioShared;
use super::sound::{KINDS, RecordingFlags, RecordingReader, RecordingSink, recording_ring};
use super::state::{RecordingState, Severity};

/// Names of the files, in the order of the ring's planes.
const FILES: [&str; KINDS] = ["heard.wav", "dry.wav", "a.wav", "b.wav"];
/// Files of codes: of one stream, and of two where a mono model runs once a channel.
const CODES: [&[&str]; 2] = [&["codes.npy"], &["codes-left.npy", "codes-right.npy"]];
/// Length of the ring to the writer in seconds: the longest that a disk may stand still.
const RING_SECONDS: f64 = 4.0;
/// Time between two reads of the ring.
const TURN: Duration = Duration::from_millis(20);
/// Time between two updates of the headers, so that a crash loses little.
const FLUSH: Duration = Duration::from_secs(2);
/// Largest size of a WAV file in bytes, with room for its header.
const MOST_BYTES: u64 = u32::MAX as u64 - 4096;

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
    /// A file that cannot be made.
    #[error("cannot record to {}: {source}", folder.display())]
    Create {
        /// Its folder.
        folder: PathBuf,
        /// The reason.
        source: hound::Error,
    },
    /// A folder that holds a recording already.
    #[error("{} already holds {name}; record to another folder", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
        /// The file that is there.
        name: &'static str,
    },
    /// A file that cannot be written on.
    #[error("cannot write to {}: {source}", folder.display())]
    Write {
        /// Its folder.
        folder: PathBuf,
        /// The reason.
        source: hound::Error,
    },
    /// A header that cannot be written.
    #[error("cannot finish {}: {source}", folder.display())]
    Finish {
        /// Its folder.
        folder: PathBuf,
        /// The reason.
        source: hound::Error,
    },
    /// Frames that make no array.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// An array that cannot be written.
    #[error(transparent)]
    Npy(#[from] NpyError),
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
    let mut names = FILES.iter().chain(CODES.into_iter().flatten());
    if let Some(name) = names.find(|name| folder.join(name).exists()) {
        return Err(RecordError::Exists { folder: folder.clone(), name });
    }
    let spec = WavSpec {
        channels: channels as u16,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let create = |name: &&str| WavWriter::create(folder.join(name), spec);
    let wavs: Vec<Wav> = FILES
        .iter()
        .map(create)
        .collect::<Result<_, _>>()
        .map_err(|source| RecordError::Create { folder: folder.clone(), source })?;
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
        codes: CodesTrack::new(control.codes_with_kept()),
    };
    Ok((sink, writer))
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

type Wav = WavWriter<BufWriter<File>>;

/// Writes the files of a recording.
pub struct RecordingWriter {
    serial: u64,
    folder: PathBuf,
    wavs: Vec<Wav>,
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
    codes: CodesTrack,
}

impl RecordingWriter {
    /// Writes on a thread of its own, and shows the recording.
    pub fn start(self, shared: &Arc<StudioShared>) {
        shared.observed().recording = Some(self.show());
        shared.spawn("record", move |shared| self.run(shared));
    }

    fn run(mut self, shared: &StudioShared) {
        let mut flushed = Instant::now();
        let problem = loop {
            if !is_wanted(shared, self.serial) {
                self.flags.stop.store(true, Ordering::Relaxed);
            }
            // Asked first: what was recorded before the end is then there to be seen.
            let ended = self.flags.ended.load(Ordering::Acquire);
            let written = self.drain().and_then(|()| {
                if flushed.elapsed() > FLUSH {
                    flushed = Instant::now();
                    return self.wavs.iter_mut().try_for_each(|wav| wav.flush());
                }
                Ok(())
            });
            self.codes.read();
            shared.observed().recording = Some(self.show());
            if let Err(error) = written {
                self.flags.stop.store(true, Ordering::Relaxed);
                break Some(RecordError::Write { folder: self.folder.clone(), source: error });
            }
            if ended {
                break None;
            }
            if (self.samples + u64::from(self.rate)) * self.channels as u64 * 4 > MOST_BYTES {
                self.flags.stop.store(true, Ordering::Relaxed);
            }
            thread::sleep(TURN);
        };
        self.finish(shared, problem);
    }

    /// Writes the blocks in the ring.
    fn drain(&mut self) -> hound::Result<()> {
        let Self { reader, wavs, channels, samples, next, filled, codes, flags, .. } = self;
        let channels = *channels;
        let mut written = Ok(());
        let mut block = |first: u64, count: usize, words: &[u32]| {
            // Dropped samples are silent, so that everything else keeps its place in time.
            let missing = next.map_or(0, |next| first.saturating_sub(next));
            let missing = missing.min(flags.dropped.load(Ordering::Relaxed) - *filled);
            *filled += missing;
            for wav in &mut *wavs {
                (0..missing * channels as u64).try_for_each(|_| wav.write_sample(0.0f32))?;
            }
            for frame in words.chunks_exact(KINDS * channels) {
                for (kind, wav) in wavs.iter_mut().enumerate() {
                    for channel in 0..channels {
                        wav.write_sample(f32::from_bits(frame[channel * KINDS + kind]))?;
                    }
                }
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
            frames: self.codes.frames.len() as u64,
        }
    }

    fn finish(mut self, shared: &StudioShared, mut problem: Option<RecordError>) {
        self.codes.read();
        let seconds = self.samples as f64 / f64::from(self.rate);
        for wav in self.wavs {
            if let Err(source) = wav.finalize() {
                let folder = self.folder.clone();
                problem.get_or_insert(RecordError::Finish { folder, source });
            }
        }
        if let Err(error) = self.codes.write(&self.folder) {
            problem.get_or_insert(error);
        }
        let was_stopped =
            self.flags.stop.load(Ordering::Relaxed) || !is_wanted(shared, self.serial);
        forget(shared, self.serial);
        shared.observed().recording = None;
        let folder = self.folder.display();
        let dropped = self.flags.dropped.load(Ordering::Relaxed);
        if let Some(problem) = problem {
            shared.notice(Severity::Error, format!("the recording ended: {problem}"));
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
        if let Some(reason) = self.codes.ended {
            shared.notice(Severity::Warning, format!("the recorded codes end early: {reason}"));
        }
    }
}

/// The codes of the frames that are heard.
struct CodesTrack {
    reader: CodesReader,
    /// Frames that have been decoded and not been heard yet: where they are, and codes by stream.
    decoded: VecDeque<(u64, Vec<Vec<u32>>)>,
    /// Lane samples that were heard and whose frames have not been looked for.
    heard: VecDeque<Range<u64>>,
    /// By frame and stream.
    frames: Vec<Vec<Vec<u32>>>,
    /// Why no more frames are taken.
    ended: Option<&'static str>,
}

impl CodesTrack {
    fn new(reader: CodesReader) -> Self {
        let (decoded, heard) = Default::default();
        Self { reader, decoded, heard, frames: Vec::new(), ended: None }
    }

    fn heard(&mut self, samples: Range<u64>) {
        match self.heard.back_mut() {
            Some(last) if last.end == samples.start => last.end = samples.end,
            _ => self.heard.push_back(samples),
        }
    }

    /// Takes the frames whose first sample has been heard.
    fn read(&mut self) {
        let decoded = &mut self.decoded;
        self.reader.read(|frame| {
            let layers = frame.layers.min(frame.codes.len()).max(1);
            let streams = frame.codes.chunks_exact(layers).map(|codes| {
                codes.iter().copied().take_while(|code| *code != NO_CODE).collect::<Vec<u32>>()
            });
            decoded.push_back((frame.position, streams.collect()));
        });
        while let (Some((position, _)), Some(heard)) = (self.decoded.front(), self.heard.front()) {
            if *position >= heard.end {
                if self.heard.len() == 1 {
                    return;
                }
                self.heard.pop_front();
                continue;
            }
            let is_heard = heard.contains(position);
            let Some((_, streams)) = self.decoded.pop_front() else { return };
            // A frame without codes was a gap of a token stream.
            if is_heard && streams.iter().all(|codes| !codes.is_empty()) {
                self.take(streams);
            }
        }
    }

    fn take(&mut self, streams: Vec<Vec<u32>>) {
        let shape = |frame: &[Vec<u32>]| frame.iter().map(Vec::len).collect::<Vec<_>>();
        if self.frames.first().is_some_and(|first| shape(first) != shape(&streams)) {
            self.ended = Some("the model changed, and one file holds codes of one");
        }
        if self.ended.is_none() {
            self.frames.push(streams);
        }
    }

    fn write(&self, folder: &Path) -> Result<(), RecordError> {
        let streams = self.frames.first().map_or(0, Vec::len);
        let Some(names) = streams.checked_sub(1).and_then(|n| CODES.get(n)) else { return Ok(()) };
        for (stream, name) in names.iter().enumerate() {
            let frames: Vec<&[u32]> =
                self.frames.iter().map(|frame| frame[stream].as_slice()).collect();
            let codes = Codes::from_frames(&frames)?;
            npy::write(&folder.join(name), &codes)?;
        }
        Ok(())
    }
}

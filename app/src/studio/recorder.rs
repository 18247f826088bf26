//! Writes what is heard, its lanes and its codes to files while they play.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::BufWriter;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use hound::{SampleFormat, WavSpec, WavWriter};
use residue_engine::live::{CodesReader, NO_CODE, PortControl};
use residue_engine::tokens::{Codes, npy};

use super::shared::Shared;
use super::sound::{KINDS, Tape, TapeReader, TapeState, tape};
use super::state::{RecordOptions, RecordingState, Severity};

/// The lanes' files, in the order of the tape's planes.
const FILES: [&str; KINDS] = ["heard.wav", "dry.wav", "a.wav", "b.wav"];
/// Files of codes: of one stream, and of two where a mono model runs once a channel.
const CODES: [&[&str]; 2] = [&["codes.npy"], &["codes-left.npy", "codes-right.npy"]];
/// What the tape holds while the writer is held up.
const TAPE_SECONDS: f64 = 4.0;
/// How often the writer looks.
const TURN: Duration = Duration::from_millis(20);
/// How often headers are brought up to date, so that a crash loses little.
const FLUSH: Duration = Duration::from_secs(2);
/// What a WAV file can hold, in bytes, with room for its header.
const MOST_BYTES: u64 = u32::MAX as u64 - 4096;

/// Makes the files and starts the writer; returns the audio thread's end.
///
/// # Errors
/// Why nothing can be written, for a person.
pub fn start(
    shared: &Arc<Shared>,
    options: &RecordOptions,
    control: &PortControl,
    program: u64,
) -> Result<Tape, String> {
    let (rate, channels) = (control.config().rate, control.config().channels);
    let folder = &options.folder;
    let failed = |error: std::io::Error| format!("cannot record to {}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    let names = FILES.iter().chain(CODES.into_iter().flatten());
    if let Some(name) = names.into_iter().find(|name| folder.join(name).exists()) {
        return Err(format!("{} already holds {name}; record to another folder", folder.display()));
    }
    let spec = WavSpec {
        channels: channels as u16,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    // What an earlier recording was told is of no concern.
    shared.take_stop_recording();
    let create = |name: &&str| WavWriter::create(folder.join(name), spec);
    let wavs: Vec<Wav> = FILES
        .iter()
        .map(create)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("cannot record to {}: {error}", folder.display()))?;
    let room = (f64::from(rate) * TAPE_SECONDS) as usize + 2 * control.config().max_block;
    let (tape, reader, state) = tape(channels, room, program);
    let writer = Writer {
        folder: folder.clone(),
        wavs,
        reader,
        state: Arc::clone(&state),
        rate,
        channels,
        samples: 0,
        next: None,
        filled: 0,
        codes: CodesTrack::new(control.codes_with_kept()),
    };
    shared.board().recording = Some(writer.show());
    shared.spawn("record", move |shared| writer.run(shared));
    Ok(tape)
}

type Wav = WavWriter<BufWriter<File>>;

struct Writer {
    folder: PathBuf,
    wavs: Vec<Wav>,
    reader: TapeReader,
    state: Arc<TapeState>,
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

impl Writer {
    fn run(mut self, shared: &Shared) {
        let mut flushed = Instant::now();
        let problem = loop {
            if shared.take_stop_recording() {
                self.state.stop.store(true, Ordering::Relaxed);
            }
            // Asked first: what was recorded before the end is then there to be seen.
            let ended = self.state.ended.load(Ordering::Acquire);
            let written = self.drain().and_then(|()| {
                if flushed.elapsed() > FLUSH {
                    flushed = Instant::now();
                    return self.wavs.iter_mut().try_for_each(|wav| wav.flush());
                }
                Ok(())
            });
            self.codes.read();
            shared.board().recording = Some(self.show());
            if let Err(error) = written {
                self.state.stop.store(true, Ordering::Relaxed);
                break Some(format!("cannot write to {}: {error}", self.folder.display()));
            }
            if ended {
                break None;
            }
            if (self.samples + u64::from(self.rate)) * self.channels as u64 * 4 > MOST_BYTES {
                self.state.stop.store(true, Ordering::Relaxed);
            }
            thread::sleep(TURN);
        };
        self.finish(shared, problem);
    }

    /// Writes what is on the tape.
    fn drain(&mut self) -> hound::Result<()> {
        let Self { reader, wavs, channels, samples, next, filled, codes, state, .. } = self;
        let channels = *channels;
        let mut written = Ok(());
        let mut block = |first: u64, count: usize, words: &[u32]| {
            // What was dropped is silent, so that everything else keeps its place in time.
            let missing = next.map_or(0, |next| first.saturating_sub(next));
            let missing = missing.min(state.dropped.load(Ordering::Relaxed) - *filled);
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
            dropped_samples: self.state.dropped.load(Ordering::Relaxed),
            frames: self.codes.frames.len() as u64,
        }
    }

    fn finish(mut self, shared: &Shared, mut problem: Option<String>) {
        self.codes.read();
        let seconds = self.samples as f64 / f64::from(self.rate);
        for wav in self.wavs {
            if let Err(error) = wav.finalize() {
                problem.get_or_insert(format!("cannot finish {}: {error}", self.folder.display()));
            }
        }
        if let Err(error) = self.codes.write(&self.folder) {
            problem.get_or_insert(error);
        }
        shared.board().recording = None;
        let folder = self.folder.display();
        let dropped = self.state.dropped.load(Ordering::Relaxed);
        if let Some(problem) = problem {
            shared.notice(Severity::Error, format!("the recording ended: {problem}"));
        } else if !self.state.stop.load(Ordering::Relaxed) {
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

    fn write(&self, folder: &Path) -> Result<(), String> {
        let streams = self.frames.first().map_or(0, Vec::len);
        let Some(names) = streams.checked_sub(1).and_then(|n| CODES.get(n)) else { return Ok(()) };
        for (stream, name) in names.iter().enumerate() {
            let frames: Vec<&[u32]> =
                self.frames.iter().map(|frame| frame[stream].as_slice()).collect();
            let codes = Codes::from_frames(&frames).map_err(|error| error.to_string())?;
            npy::write(&folder.join(name), &codes).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

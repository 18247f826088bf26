//! Collecting decoded samples and the defects met, within bounds.

use std::collections::TryReserveError;
use std::io;
use std::path::Path;

use residue_core::audio::{SpeakerMask, resample};

use super::channel_order::ChannelOrder;
use super::limits::{MAX_CHANNELS, MAX_LEVEL, max_frames};
use super::{Audio, AudioFileError, DecodedFile, ReadWarning, SUPPORTED_RATES};

/// The reason why reading stopped.
pub(super) enum Stop {
    /// The regular end of the container.
    End,
    /// The file ends before its container does.
    EndOfFile,
    /// The rest of the file cannot be read, with the reader's message.
    Broken(String),
}

/// Facts that a container states besides the samples.
pub(super) struct FileFacts {
    /// Reason why reading stopped.
    pub stop: Stop,
    /// Samples of a channel that the file declares, none where it declares none surely.
    pub declared: Option<u64>,
    /// Missing samples of a channel that are no defect, because the container counts in packets.
    pub slack: u64,
    /// Audio tracks that were not read.
    pub other_tracks: usize,
    /// Order and speakers of the channels as the file states them.
    pub order: Option<ChannelOrder>,
}

impl Default for FileFacts {
    fn default() -> Self {
        Self { stop: Stop::End, declared: None, slack: 0, other_tracks: 0, order: None }
    }
}

/// A place in the collected audio.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    run: usize,
    frame: usize,
}

/// Collector of decoded samples that counts their defects.
///
/// Where rate or channels change on the way, a run of the new format begins; [`finish`](Self::finish) joins the runs.
pub(super) struct SampleCollector<'a> {
    path: &'a Path,
    max_samples: usize,
    runs: Vec<Audio>,
    /// Part of the limit that earlier runs take, from 0 to 1.
    used: f64,
    corrupt_packets: u64,
    first_corruption: Option<String>,
    non_finite: u64,
    warnings: Vec<ReadWarning>,
    order: Option<ChannelOrder>,
}

impl<'a> SampleCollector<'a> {
    /// Returns an empty collector of at most `max_samples` samples, all channels together.
    pub(super) fn new(path: &'a Path, max_samples: usize) -> Self {
        Self {
            path,
            max_samples,
            runs: Vec::new(),
            used: 0.0,
            corrupt_packets: 0,
            first_corruption: None,
            non_finite: 0,
            warnings: Vec::new(),
            order: None,
        }
    }

    /// Returns the file, for errors.
    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// Returns the error of a file that the system cannot read.
    pub(super) fn failed_to_read(&self, reason: io::Error) -> AudioFileError {
        AudioFileError::open(self.path, reason)
    }

    /// Counts a packet that could not be decoded.
    pub(super) fn corrupt(&mut self, reason: String) {
        self.corrupt_packets += 1;
        self.first_corruption.get_or_insert(reason);
    }

    /// Adds a warning for the user.
    pub(super) fn warn(&mut self, warning: ReadWarning) {
        self.warnings.push(warning);
    }

    /// Sets the format of what follows.
    pub(super) fn begin(&mut self, rate: u32, channels: usize) -> Result<(), AudioFileError> {
        let path = || self.path.to_owned();
        if channels == 0 {
            return Err(AudioFileError::NoChannels { path: path() });
        }
        if channels > MAX_CHANNELS {
            return Err(AudioFileError::TooManyChannels { path: path(), channels });
        }
        if !SUPPORTED_RATES.contains(&rate) {
            return Err(AudioFileError::FileRate { path: path(), rate });
        }
        let same = |run: &Audio| run.rate == rate && run.channels.len() == channels;
        if self.runs.last().is_some_and(same) {
            return Ok(());
        }
        if let Some(run) = self.runs.last() {
            self.used += run.len() as f64 / self.room(run) as f64;
        }
        self.runs.push(Audio::silence(rate, channels, 0));
        Ok(())
    }

    /// Returns the most samples a channel of a run, at the higher of its own rate and the first run's.
    fn room(&self, run: &Audio) -> usize {
        let first = self.runs.first().map_or(run.rate, |first| first.rate);
        let frames = max_frames(self.max_samples, run.rate, run.channels.len());
        (frames as u64 * u64::from(run.rate) / u64::from(first.max(run.rate))).max(1) as usize
    }

    /// Refuses `frames` more samples a channel than the limit allows, before anything is decoded.
    pub(super) fn expect(&self, frames: u64) -> Result<(), AudioFileError> {
        let Some(run) = self.runs.last() else { return Ok(()) };
        let room = (1.0 - self.used).max(0.0) * self.room(run) as f64;
        if run.len() as u64 + frames <= room as u64 {
            return Ok(());
        }
        Err(AudioFileError::TooLong {
            path: self.path.to_owned(),
            limit: self.max_samples,
            rate: run.rate,
            channels: run.channels.len(),
        })
    }

    /// Keeps the order of channels that a decoder states first, for files that do not state one themselves.
    pub(super) fn decoder_order(&mut self, order: impl FnOnce() -> Option<ChannelOrder>) {
        self.order = self.order.take().or_else(order);
    }

    /// Appends `frames` samples to each channel; `push` adds those of a channel to a vector.
    pub(super) fn append_with(
        &mut self,
        frames: usize,
        mut push: impl FnMut(usize, &mut Vec<f32>),
    ) -> Result<(), AudioFileError> {
        self.expect(frames as u64)?;
        let path = self.path;
        let Some(run) = self.runs.last_mut() else { return Ok(()) };
        for (index, channel) in run.channels.iter_mut().enumerate() {
            let before = channel.len();
            reserve(channel, frames)
                .map_err(|_| AudioFileError::NoMemory { path: path.to_owned() })?;
            push(index, channel);
            channel.resize(before + frames, 0.0);
            for sample in &mut channel[before..] {
                if !sample.is_finite() {
                    *sample = 0.0;
                    self.non_finite += 1;
                } else if sample.abs() > MAX_LEVEL {
                    return Err(AudioFileError::Level { path: path.to_owned(), sample: *sample });
                }
            }
        }
        Ok(())
    }

    /// Returns the place behind the samples collected so far.
    pub(super) fn mark(&self) -> Mark {
        let frame = self.runs.last().map_or(0, Audio::len);
        Mark { run: self.runs.len().saturating_sub(1), frame }
    }

    /// Returns `mark`, or the start of the run that began since.
    pub(super) fn mark_follows(&self, mark: Mark) -> Mark {
        let run = self.mark().run;
        if run == mark.run { mark } else { Mark { run, frame: 0 } }
    }

    /// Returns the samples of a channel collected since `mark` in the current run.
    pub(super) fn since(&self, mark: Mark) -> usize {
        let last = self.mark();
        if last.run == mark.run { last.frame - mark.frame } else { last.frame }
    }

    /// Removes the first `delay` samples of a channel behind `mark`, and what lies more than `length` behind those.
    pub(super) fn trim(&mut self, mark: Mark, delay: u64, length: Option<u64>) {
        let count = self.since(mark);
        let delay = (delay.min(count as u64)) as usize;
        let keep = length.map_or(count - delay, |length| (count - delay).min(length as usize));
        let Some(run) = self.runs.last_mut() else { return };
        let start = run.len() - count;
        for channel in &mut run.channels {
            channel.truncate(start + delay + keep);
            channel.drain(start..start + delay);
        }
    }

    /// Returns the audio with its warnings, or the reason why there is none.
    pub(super) fn finish(mut self, facts: FileFacts) -> Result<DecodedFile, AudioFileError> {
        let read: usize = self.runs.iter().map(Audio::len).sum();
        let mut audio = match self.join_runs() {
            Some(audio) => audio,
            None => {
                let reason = match (facts.stop, self.first_corruption) {
                    (_, Some(reason)) | (Stop::Broken(reason), None) => reason,
                    _ => "the file holds no samples; export it again".into(),
                };
                return Err(AudioFileError::NothingDecoded { path: self.path.to_owned(), reason });
            }
        };
        if let Some(order) = facts.order.or(self.order) {
            order.apply(&mut audio);
        }

        let short = facts.declared.filter(|&declared| declared > read as u64 + facts.slack);
        let rate = f64::from(audio.rate);
        let truncated = |reason: Option<String>| ReadWarning::Truncated {
            decoded: audio.seconds(),
            declared: short.map(|frames| frames as f64 / rate),
            reason,
        };
        match facts.stop {
            // Damaged packets explain missing samples, and get a warning of their own.
            Stop::End if short.is_some() && self.corrupt_packets == 0 => {
                self.warnings.push(truncated(None));
            }
            Stop::End => {}
            Stop::EndOfFile => self.warnings.push(truncated(None)),
            Stop::Broken(reason) => self.warnings.push(truncated(Some(reason))),
        }
        if self.corrupt_packets > 0 {
            self.warnings.push(ReadWarning::CorruptPackets { count: self.corrupt_packets });
        }
        if self.non_finite > 0 {
            self.warnings.push(ReadWarning::NonFinite { count: self.non_finite });
        }
        if facts.other_tracks > 0 {
            self.warnings.push(ReadWarning::OtherTracks { count: facts.other_tracks });
        }
        Ok(DecodedFile { audio, warnings: self.warnings })
    }

    /// Joins the runs in the format of the first, and warns where one had another; `None` if there are no samples.
    fn join_runs(&mut self) -> Option<Audio> {
        let mut runs = std::mem::take(&mut self.runs).into_iter().filter(|run| !run.is_empty());
        let mut audio = runs.next()?;
        for run in runs {
            let seconds = audio.seconds();
            let converted = convert(&run, &audio);
            let warning = ReadWarning::FormatChange { seconds, converted: converted.is_some() };
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
            for (channel, more) in audio.channels.iter_mut().zip(converted.into_iter().flatten()) {
                channel.extend_from_slice(&more);
            }
        }
        Some(audio)
    }
}

/// Makes room for `more` samples. Grows by a quarter, so that a file at the limit takes little more than its samples.
fn reserve(channel: &mut Vec<f32>, more: usize) -> Result<(), TryReserveError> {
    let spare = channel.capacity() - channel.len();
    if more <= spare {
        return Ok(());
    }
    channel.try_reserve_exact(more.max(channel.len() / 4))
}

/// Returns the channels of `run` in the format of `audio`; `None` where more than two channels would have to be mixed.
fn convert(run: &Audio, audio: &Audio) -> Option<Vec<Vec<f32>>> {
    let channels = match (run.channels.len(), audio.channels.len()) {
        (from, to) if from == to => run.channels.clone(),
        (1, 2) => vec![run.channels[0].clone(); 2],
        (2, 1) => {
            let pairs = run.channels[0].iter().zip(&run.channels[1]);
            vec![pairs.map(|(left, right)| (left + right) * 0.5).collect()]
        }
        _ => return None,
    };
    let run = Audio { rate: run.rate, channels, speakers: SpeakerMask::UNKNOWN };
    Some(resample(&run, audio.rate).ok()?.channels)
}

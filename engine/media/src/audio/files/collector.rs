//! Gathering what decoders return.

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::formats::Track;

use super::declared::{declared_frames, is_short, trim};
use super::read::DecodedFile;
use super::{Audio, AudioError, ReadWarning, SUPPORTED_RATES};

/// Why reading stopped.
pub(super) enum Stop {
    /// The container says that it is over.
    End,
    /// The file is over before the container says so.
    EndOfFile,
    /// The file cannot be read on.
    Broken(String),
    /// Rate or channels differ from here on.
    FormatChange,
}

/// Gathers decoded samples and counts what was wrong with them.
pub(super) struct SampleCollector<'a> {
    /// Of the file, for errors.
    pub path: &'a Path,
    max_samples: usize,
    audio: Option<Audio>,
    /// One packet, a vector a channel.
    pub scratch: Vec<Vec<f32>>,
    corrupt_packets: u64,
    first_corruption: Option<String>,
    non_finite: u64,
}

impl<'a> SampleCollector<'a> {
    /// Nothing gathered yet; `max_samples` counts all channels together.
    pub(super) fn new(path: &'a Path, max_samples: usize) -> Self {
        Self {
            path,
            max_samples,
            audio: None,
            scratch: Vec::new(),
            corrupt_packets: 0,
            first_corruption: None,
            non_finite: 0,
        }
    }

    /// Counts a packet that could not be decoded.
    pub(super) fn corrupt(&mut self, reason: String) {
        self.corrupt_packets += 1;
        self.first_corruption.get_or_insert(reason);
    }

    /// Takes the format of the first packet; false if a later packet differs from it.
    pub(super) fn accepts(&mut self, rate: u32, channels: usize) -> Result<bool, AudioError> {
        let path = || self.path.to_owned();
        if channels == 0 {
            return Err(AudioError::NoChannels { path: path() });
        }
        if !SUPPORTED_RATES.contains(&rate) {
            return Err(AudioError::FileRate { path: path(), rate });
        }
        let audio = self.audio.get_or_insert_with(|| Audio::silence(rate, channels, 0));
        Ok(audio.rate == rate && audio.channels.len() == channels)
    }

    /// Moves the scratch packet to the end of the audio, with numbers only.
    pub(super) fn append(&mut self) -> Result<(), AudioError> {
        let Some(audio) = &mut self.audio else { return Ok(()) };
        let added = self.scratch.first().map_or(0, Vec::len);
        if (audio.len() + added).saturating_mul(audio.channels.len()) > self.max_samples {
            return Err(AudioError::TooLong {
                path: self.path.to_owned(),
                limit: self.max_samples,
            });
        }
        for (channel, packet) in audio.channels.iter_mut().zip(&mut self.scratch) {
            for sample in packet.iter_mut().filter(|sample| !sample.is_finite()) {
                *sample = 0.0;
                self.non_finite += 1;
            }
            channel.extend_from_slice(packet);
        }
        Ok(())
    }

    /// The audio and its warnings, or why there is none.
    pub(super) fn finish(
        self,
        track: &Track,
        parameters: &AudioCodecParameters,
        stop: Stop,
        other_tracks: usize,
    ) -> Result<DecodedFile, AudioError> {
        let nothing =
            |reason: String| AudioError::NothingDecoded { path: self.path.to_owned(), reason };
        let mut audio = match self.audio {
            Some(audio) if !audio.is_empty() => audio,
            _ => {
                let reason = match (stop, self.first_corruption) {
                    (_, Some(reason)) | (Stop::Broken(reason), None) => reason,
                    _ => "the file holds no samples; export it again".into(),
                };
                return Err(nothing(reason));
            }
        };
        let read = audio.len() as u64;
        trim(&mut audio, track, parameters.codec);
        if audio.is_empty() {
            return Err(nothing("it ends inside the encoder's delay".into()));
        }

        let mut warnings = Vec::new();
        let declared = declared_frames(track, parameters);
        let short = declared.is_some_and(|frames| is_short(read, frames, parameters.codec));
        let rate = f64::from(audio.rate);
        let mut truncated = |reason: Option<String>| {
            warnings.push(ReadWarning::Truncated {
                decoded: audio.seconds(),
                declared: declared.filter(|_| short).map(|frames| frames as f64 / rate),
                reason,
            });
        };
        match stop {
            // Damaged packets explain missing samples; a file that also ends early says so itself.
            Stop::End if short && self.corrupt_packets == 0 => truncated(None),
            Stop::End => {}
            Stop::EndOfFile => truncated(None),
            Stop::Broken(reason) => truncated(Some(reason)),
            Stop::FormatChange => {
                warnings.push(ReadWarning::FormatChange { seconds: audio.seconds() });
            }
        }
        if self.corrupt_packets > 0 {
            warnings.push(ReadWarning::CorruptPackets { count: self.corrupt_packets });
        }
        if self.non_finite > 0 {
            warnings.push(ReadWarning::NonFinite { count: self.non_finite });
        }
        if other_tracks > 0 {
            warnings.push(ReadWarning::OtherTracks { count: other_tracks });
        }
        Ok(DecodedFile { audio, warnings })
    }
}

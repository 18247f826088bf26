//! Mapping of a file's rate and channels to the streams of a model, and back.
//!
//! | file | mono model | stereo model |
//! |---|---|---|
//! | mono | one stream | one stream, the channel on both sides; restored as the average of both |
//! | stereo | two streams, one a channel ([`MonoTreatment::Dual`]), or one stream of `(L + R) / 2`, restored on both channels ([`MonoTreatment::Mid`]) | one stream |
//! | 3 or more | one stream a channel | pairs 1+2, 3+4, ...; a last odd channel as a mono file |
//!
//! Levels do not change: duplicating, pairing and splitting copy samples, and the average of two equal channels is
//! bit-identical to either.

use std::fmt;

use super::resample::convert;
use super::{Audio, AudioError, RateConverter, SpeakerMask};

/// The treatment of a stereo file by a mono model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MonoTreatment {
    /// One stream a channel: stereo is kept, at twice the bitrate.
    #[default]
    Dual,
    /// One stream of the mid signal, `(L + R) / 2`, which both channels of the result carry. The side signal is lost.
    Mid,
}

/// The channels that a stream carries, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// One channel, through a mono model.
    Channel(usize),
    /// The average of both channels of a stereo file, through a mono model.
    Mid,
    /// Two channels, through a stereo model.
    Pair(usize, usize),
    /// One channel on both sides of a stereo model.
    Doubled(usize),
}

/// The streams of a file for a model.
#[derive(Clone, Debug)]
pub struct PreparedAudio {
    /// Streams at the model's rate and channel count, all of the same length, a whole number of frames.
    pub streams: Vec<Audio>,
    /// The mapping that restores the file from decoded streams.
    pub layout: StreamLayout,
}

/// The mapping of a file's channels to streams. `Display` describes it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamLayout {
    rate: u32,
    channels: usize,
    speakers: SpeakerMask,
    length: usize,
    model_rate: u32,
    model_channels: usize,
    /// Samples of a decoded stream that the restored file depends on.
    needed: usize,
    contents: Vec<Content>,
}

/// Converts `audio` to streams for a model of `model_channels` channels (1 or 2) at `model_rate` hertz that takes
/// frames of `frame` samples.
///
/// `treatment` applies to stereo files on mono models only. Streams hold the file followed by silence, including the
/// rate converter's ringing. Their length is the number of whole frames from which [`StreamLayout::restore`] can
/// make every sample of the file; at equal rates it is the file's length, rounded up. Allocates; not realtime-safe.
///
/// # Errors
///
/// [`AudioError::ModelChannels`], [`AudioError::Buffer`] for audio without channels or with
/// channels of different lengths, and those of [`resample`](super::resample()).
pub fn prepare_audio(
    audio: &Audio,
    model_rate: u32,
    model_channels: usize,
    frame: usize,
    treatment: MonoTreatment,
) -> Result<PreparedAudio, AudioError> {
    check(audio)?;
    let contents = contents(audio.channels.len(), model_channels, treatment)?;
    let there = RateConverter::new(audio.rate, model_rate)?;
    let layout = StreamLayout {
        rate: audio.rate,
        channels: audio.channels.len(),
        speakers: audio.speakers,
        length: audio.len(),
        model_rate,
        model_channels,
        needed: needed(&RateConverter::new(model_rate, audio.rate)?, audio.len()),
        contents,
    };
    let stream_length = layout.needed.next_multiple_of(frame.max(1));

    // Mixing first leaves one channel to convert instead of two.
    let mut source = if layout.contents == [Content::Mid] {
        let mid = audio.channels[0].iter().zip(&audio.channels[1]).map(average).collect();
        let mid = Audio::new(audio.rate, vec![mid]);
        convert(&there, &mid, model_rate, stream_length)?
    } else {
        convert(&there, audio, model_rate, stream_length)?
    };
    // Each channel is a part of one stream, so that none is copied.
    let mut take = |channel: usize| std::mem::take(&mut source.channels[channel]);
    let streams = layout
        .contents
        .iter()
        .map(|content| {
            let channels = match *content {
                Content::Mid => vec![take(0)],
                Content::Channel(c) => vec![take(c)],
                Content::Doubled(c) => vec![take(c); 2],
                Content::Pair(a, b) => vec![take(a), take(b)],
            };
            Audio::new(model_rate, channels)
        })
        .collect();
    Ok(PreparedAudio { streams, layout })
}

/// Returns the number of input samples that a converter's first `length` outputs depend on.
fn needed(converter: &RateConverter, length: usize) -> usize {
    (length as u64).checked_sub(1).map_or(0, |last| converter.needed(last) as usize)
}

/// Returns the content of each stream.
fn contents(
    channels: usize,
    model_channels: usize,
    treatment: MonoTreatment,
) -> Result<Vec<Content>, AudioError> {
    match (model_channels, treatment) {
        (1, MonoTreatment::Mid) if channels == 2 => Ok(vec![Content::Mid]),
        (1, _) => Ok((0..channels).map(Content::Channel).collect()),
        (2, _) => Ok((0..channels)
            .step_by(2)
            .map(|c| if c + 1 < channels { Content::Pair(c, c + 1) } else { Content::Doubled(c) })
            .collect()),
        _ => Err(AudioError::ModelChannels { channels: model_channels }),
    }
}

/// Checks that audio has channels, all of one length.
fn check(audio: &Audio) -> Result<(), AudioError> {
    let refuse = |reason: String| Err(AudioError::Buffer { reason });
    if audio.channels.is_empty() {
        return refuse("it has no channels, expected at least 1".into());
    }
    match audio.channels.iter().find(|channel| channel.len() != audio.len()) {
        Some(channel) => refuse(format!(
            "its channels differ in length, {} and {} samples",
            audio.len(),
            channel.len()
        )),
        None => Ok(()),
    }
}

fn average((&a, &b): (&f32, &f32)) -> f32 {
    (a + b) * 0.5
}

impl StreamLayout {
    /// Returns true if the file's rate differs from the model's, so that even a lossless codec would not return the
    /// file bit for bit.
    pub fn resamples(&self) -> bool {
        self.rate != self.model_rate
    }

    /// Restores the file's channels, speakers, rate and length from decoded streams.
    ///
    /// `decoded` holds the streams of [`PreparedAudio::streams`] after the codec, in the same order. Their samples
    /// beyond the file's end are dropped. Allocates; not realtime-safe.
    ///
    /// # Errors
    ///
    /// [`AudioError::Restore`] if the number of streams, their rate or their channels are not those
    /// of the layout, or a stream is too short.
    pub fn restore(&self, decoded: &[Audio]) -> Result<Audio, AudioError> {
        self.check_decoded(decoded)?;
        let mut channels = vec![Vec::new(); self.channels];
        for (content, stream) in self.contents.iter().zip(decoded) {
            let plane = |c: usize| &stream.channels[c][..self.needed];
            match *content {
                Content::Channel(c) => channels[c] = plane(0).to_vec(),
                Content::Mid => channels.fill(plane(0).to_vec()),
                Content::Pair(a, b) => {
                    channels[a] = plane(0).to_vec();
                    channels[b] = plane(1).to_vec();
                }
                Content::Doubled(c) => {
                    channels[c] = plane(0).iter().zip(plane(1)).map(average).collect();
                }
            }
        }
        let back = RateConverter::new(self.model_rate, self.rate)?;
        let decoded = Audio { rate: self.model_rate, channels, speakers: self.speakers };
        convert(&back, &decoded, self.rate, self.length)
    }

    /// Checks decoded streams against the layout.
    fn check_decoded(&self, decoded: &[Audio]) -> Result<(), AudioError> {
        let refuse = |expected: String, found: String| Err(AudioError::Restore { expected, found });
        if decoded.len() != self.contents.len() {
            return refuse(
                format!("{} streams", self.contents.len()),
                format!("{} streams", decoded.len()),
            );
        }
        for stream in decoded {
            if stream.rate != self.model_rate || stream.channels.len() != self.model_channels {
                return refuse(
                    format!("{} channels at {} Hz", self.model_channels, self.model_rate),
                    format!("{} channels at {} Hz", stream.channels.len(), stream.rate),
                );
            }
            if let Some(short) = stream.channels.iter().find(|c| c.len() < self.needed) {
                return refuse(
                    format!("at least {} samples a channel", self.needed),
                    format!("{} samples", short.len()),
                );
            }
        }
        Ok(())
    }
}

impl fmt::Display for StreamLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = if self.model_channels == 1 { "mono" } else { "stereo" };
        match (self.contents.as_slice(), self.channels) {
            ([Content::Mid], _) => {
                write!(f, "mono model: only the mid (L+R)/2 is coded, and heard on both channels")
            }
            ([Content::Channel(_)], _) => write!(f, "mono through a mono model"),
            ([Content::Pair(..)], _) => write!(f, "stereo through a stereo model"),
            ([Content::Doubled(_)], _) => {
                write!(f, "stereo model: the channel is coded on both sides, the average is heard")
            }
            (streams, channels) => {
                write!(f, "{channels} channels as {} streams of a {model} model", streams.len())?;
                match streams.last() {
                    Some(Content::Doubled(_)) => {
                        write!(f, "; the last is coded on both sides, their average is heard")
                    }
                    _ => Ok(()),
                }
            }
        }?;
        if self.resamples() {
            write!(f, "; resampled {} Hz to {} Hz and back", self.rate, self.model_rate)?;
        }
        Ok(())
    }
}

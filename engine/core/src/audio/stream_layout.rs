//! From a file's rate and channels to the streams a model takes, and back.
//!
//! | file | mono model | stereo model |
//! |---|---|---|
//! | mono | one stream | one stream, the channel on both sides; restored as the average of both |
//! | stereo | two streams, one a channel ([`MonoTreatment::Dual`]), or one stream of `(L + R) / 2`, restored on both channels ([`MonoTreatment::Mid`]) | one stream |
//! | 3 or more | one stream a channel | pairs 1+2, 3+4, ...; a last odd channel as a mono file |
//!
//! Nothing here changes level: duplicating, pairing and splitting copy samples, and the average of
//! two equal channels is that channel, bit for bit.

use std::fmt;

use super::resample::convert;
use super::{Audio, AudioError, RateConverter};

/// How a stereo file goes through a mono model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MonoTreatment {
    /// Each channel is a stream of its own: twice the bits, stereo kept.
    #[default]
    Dual,
    /// Only the mid, `(L + R) / 2`, is coded; both channels of the result carry it. What differed
    /// between the channels is lost.
    Mid,
}

/// What one stream carries. Channel numbers count from 0 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// A channel through a mono model.
    Channel(usize),
    /// The average of both channels of a stereo file, through a mono model.
    Mid,
    /// Two channels through a stereo model.
    Pair(usize, usize),
    /// A channel through a stereo model, the same on both sides.
    Doubled(usize),
}

/// A file laid out for a model.
#[derive(Clone, Debug)]
pub struct PreparedAudio {
    /// What to send through the model: at its rate, each with exactly its channel count, all of
    /// the same length, a number of whole frames.
    pub streams: Vec<Audio>,
    /// How to put the decoded streams together again.
    pub layout: StreamLayout,
}

/// How the channels of a file map to streams. `Display` says it in words, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamLayout {
    rate: u32,
    channels: usize,
    length: usize,
    model_rate: u32,
    model_channels: usize,
    /// Samples of a decoded stream that the file is made of.
    needed: usize,
    contents: Vec<Content>,
}

/// Lays `audio` out for a model of `model_channels` channels (1 or 2) at `model_rate` hertz that
/// takes frames of `frame` samples.
///
/// `treatment` matters only for stereo files on mono models. Streams are what the model hears of
/// the file followed by silence: converted, they ring on past the file's end. They are as many whole
/// frames long as [`StreamLayout::restore`] needs to make every sample of the file from decoded ones; at
/// the file's own rate that is the file's length. Allocates; not realtime-safe.
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
        length: audio.len(),
        model_rate,
        model_channels,
        needed: needed(&RateConverter::new(model_rate, audio.rate)?, audio.len()),
        contents,
    };
    let stream_length = layout.needed.next_multiple_of(frame.max(1));

    // Mixing before converting: one channel to convert instead of two.
    let source = if layout.contents == [Content::Mid] {
        let mid = audio.channels[0].iter().zip(&audio.channels[1]).map(average).collect();
        let mid = Audio { rate: audio.rate, channels: vec![mid] };
        convert(&there, &mid, model_rate, stream_length)
    } else {
        convert(&there, audio, model_rate, stream_length)
    };
    let streams = layout
        .contents
        .iter()
        .map(|content| {
            let channels = match *content {
                Content::Mid => vec![source.channels[0].clone()],
                Content::Channel(c) => vec![source.channels[c].clone()],
                Content::Doubled(c) => vec![source.channels[c].clone(); 2],
                Content::Pair(a, b) => vec![source.channels[a].clone(), source.channels[b].clone()],
            };
            Audio { rate: model_rate, channels }
        })
        .collect();
    Ok(PreparedAudio { streams, layout })
}

/// Samples at a converter's input that its first `length` outputs depend on.
fn needed(converter: &RateConverter, length: usize) -> usize {
    (length as u64).checked_sub(1).map_or(0, |last| converter.needed(last) as usize)
}

/// One entry a stream.
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
    /// True if the file's rate is not the model's, so that even an exact codec would not return
    /// it bit for bit.
    pub fn resamples(&self) -> bool {
        self.rate != self.model_rate
    }

    /// Puts decoded streams together to the file's channels, rate and length exactly.
    ///
    /// `decoded` are the streams of [`PreparedAudio::streams`], in their order, after the codec. What
    /// they hold beyond what the file is made of is dropped. Allocates; not realtime-safe.
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
        let decoded = Audio { rate: self.model_rate, channels };
        Ok(convert(&back, &decoded, self.rate, self.length))
    }

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

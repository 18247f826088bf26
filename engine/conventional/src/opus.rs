//! Opus, at 48 kHz in frames of 20 ms.
//!
//! # The library
//!
//! The crate `opus-pure`: encoder and decoder in Rust, without C, build script or other crates, under the licence of
//! libopus (BSD-3-Clause). Chosen by a test of eight seconds of speech and of music, mono and stereo, at 6 to 64 kbps
//! for voice and for audio, against libopus 1.6:
//!
//! - `opus-pure` 0.2.2 decodes libopus' packets as libopus does, to 125 dB and more. What it encodes is as close to
//!   the original (SI-SDR) as what libopus encodes, at up to 6 % more bitrate, once it uses narrowband and one channel
//!   where libopus does: it has no such rules of its own for 48 kHz, so [`OpusStream::new`] sets them. The two encoders'
//!   packets differ, as those of two versions of libopus do. For voice, it leaves libopus' high-pass filter out from
//!   about 20 kbps on (CELT), and so keeps lows that libopus drops.
//! - `opus-rs` 0.1.40 decodes as well, but its encoder takes several times the bitrate asked for below 24 kbps.
//! - `ropus` 0.12.18 encodes as libopus does, but with fixed-point arithmetic: its decoder gives 16 bits and clips at
//!   full scale, which hides what a codec does to a loud master.
//! - `opus` and `audiopus` bind libopus, which needs CMake and a C compiler on every system that builds.
//!
//! `tests/libopus.rs` compares it with packets and decoded samples of libopus.

use std::fmt;

use opus_pure::{Application, Bandwidth, MAX_PACKET_BYTES, OpusDecoder, OpusEncoder, RateControl};

use crate::codec::{ConventionalFormat, ConventionalStream, check_frames};
use crate::error::ConventionalError;

/// Lowest bitrate of a stream in kbps, mono or stereo.
pub(crate) const LOWEST_KBPS: f64 = 6.0;
/// Highest bitrate of a stream in kbps, mono or stereo. Opus has more, but no way to be heard.
pub(crate) const HIGHEST_KBPS: f64 = 256.0;

/// Sample rate in hertz.
const RATE: u32 = 48_000;
/// Samples a channel of a frame: 20 ms.
const FRAME: usize = 960;
/// Look-ahead of the encoder for voice and for audio, in samples: 6.5 ms.
const LOOK_AHEAD: usize = 312;
/// Below, in kbps, libopus codes narrowband (up to 4 kHz).
const WIDER_FROM_KBPS: f64 = 9.0;
/// Below, in kbps, libopus codes one channel of a stereo signal, (L + R) / 2: the middle of its thresholds for voice
/// (19) and for music (17).
const STEREO_FROM_KBPS: f64 = 18.0;
/// The most work that the encoder does: 10 of 0 to 10, what tools for files use.
const COMPLEXITY: i32 = 10;

/// The kind of signal that the encoder favors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpusApplication {
    /// Voice: speech that stays intelligible at low bitrates.
    Voice,
    /// Anything: faithful to the input.
    #[default]
    Audio,
}

/// The settings of an Opus stream. `Display` names it for a person, without its bitrate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpusSettings {
    /// Average bitrate of a stream in kbps, all channels together: 6 to 256. Packets vary around it (constrained VBR,
    /// the default of libopus).
    pub kbps: f64,
    /// The kind of signal.
    pub application: OpusApplication,
    /// Forward error correction (FEC) for so many percent of lost packets: each packet carries a coarse copy of the one
    /// before, from which a lost one is restored. It costs a part of the bitrate and a frame of delay, and exists at
    /// bitrates at which Opus codes speech (SILK) only.
    pub expected_loss: Option<u8>,
}

impl OpusSettings {
    /// Returns the settings of a stream of `kbps` without FEC. [`ConventionalCodec::stream`] checks them.
    ///
    /// [`ConventionalCodec::stream`]: crate::ConventionalCodec::stream
    pub fn new(kbps: f64, application: OpusApplication) -> Self {
        Self { kbps, application, expected_loss: None }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConventionalError::OpusBitrate`], [`ConventionalError::ExpectedLoss`].
    pub fn check(&self) -> Result<(), ConventionalError> {
        if !(LOWEST_KBPS..=HIGHEST_KBPS).contains(&self.kbps) {
            return Err(ConventionalError::OpusBitrate { kbps: self.kbps });
        }
        match self.expected_loss {
            Some(percent) if !(1..=100).contains(&percent) => {
                Err(ConventionalError::ExpectedLoss { percent })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn format(&self) -> ConventionalFormat {
        let waits = if self.expected_loss.is_some() { FRAME } else { 0 };
        ConventionalFormat { rate: RATE, frame: FRAME, delay: LOOK_AHEAD + waits }
    }
}

impl fmt::Display for OpusSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.application {
            OpusApplication::Voice => "Opus for voice",
            OpusApplication::Audio => "Opus",
        })?;
        match self.expected_loss {
            Some(_) => f.write_str(" with FEC"),
            None => Ok(()),
        }
    }
}

/// The packet of the frame before, which FEC keeps until the next one has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// None: the stream has just begun.
    Nothing,
    /// It was lost.
    Lost,
    /// It came, with this size in bytes.
    Packet(usize),
}

/// An Opus stream.
pub(crate) struct OpusStream {
    encoder: OpusEncoder,
    decoder: OpusDecoder,
    channels: usize,
    /// Channels that are coded.
    coded_channels: usize,
    has_fec: bool,
    /// A frame, channels interleaved.
    frame: Vec<f32>,
    /// The packet of this frame, and with FEC that of the one before.
    packet: Vec<u8>,
    before: Vec<u8>,
    waiting: Waiting,
}

impl OpusStream {
    pub fn new(settings: OpusSettings, channels: usize) -> Result<Self, ConventionalError> {
        settings.check()?;
        let application = match settings.application {
            OpusApplication::Voice => Application::Voip,
            OpusApplication::Audio => Application::Audio,
        };
        let coded_channels = if settings.kbps < STEREO_FROM_KBPS { 1 } else { channels };
        let mut encoder =
            OpusEncoder::new(RATE as i32, coded_channels, application).map_err(failed)?;
        encoder.bitrate_bps = (settings.kbps * 1000.0).round() as i32;
        encoder.complexity = COMPLEXITY;
        encoder.rate_control = RateControl::ConstrainedVbr;
        if settings.kbps < WIDER_FROM_KBPS {
            encoder.force_bandwidth = Some(Bandwidth::Narrowband);
        }
        if let Some(percent) = settings.expected_loss {
            encoder.use_inband_fec = true;
            encoder.packet_loss_perc = i32::from(percent);
        }
        // The delay that formats report: it must be the library's.
        if encoder.lookahead() != LOOK_AHEAD {
            let reason = format!("its look-ahead is {}, not {LOOK_AHEAD}", encoder.lookahead());
            return Err(ConventionalError::Opus { reason });
        }
        Ok(Self {
            encoder,
            decoder: OpusDecoder::new(RATE as i32, channels).map_err(failed)?,
            channels,
            coded_channels,
            has_fec: settings.expected_loss.is_some(),
            frame: vec![0.0; FRAME * channels],
            packet: vec![0; MAX_PACKET_BYTES],
            before: vec![0; MAX_PACKET_BYTES],
            waiting: Waiting::Nothing,
        })
    }

    /// Decodes the frame of this packet, or with FEC the one before it.
    fn decode(&mut self, bytes: usize, is_lost: bool) -> opus_pure::Result<()> {
        let Self { decoder, frame, packet, before, waiting, .. } = self;
        if !self.has_fec {
            let packet = if is_lost { &[] } else { &packet[..bytes] };
            return decoder.decode(packet, FRAME, frame).map(drop);
        }
        match *waiting {
            Waiting::Nothing => frame.fill(0.0),
            Waiting::Packet(bytes) => drop(decoder.decode(&before[..bytes], FRAME, frame)?),
            Waiting::Lost if is_lost => drop(decoder.decode(&[], FRAME, frame)?),
            Waiting::Lost => drop(decoder.decode_fec(&packet[..bytes], FRAME, frame)?),
        }
        *waiting = if is_lost { Waiting::Lost } else { Waiting::Packet(bytes) };
        std::mem::swap(packet, before);
        Ok(())
    }
}

impl ConventionalStream for OpusStream {
    fn process(
        &mut self,
        input: &[f32],
        is_lost: bool,
        output: &mut [f32],
    ) -> Result<usize, ConventionalError> {
        check_frames(input, output, FRAME * self.channels)?;
        let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
        let coded = &mut self.frame[..FRAME * self.coded_channels];
        for (n, sample_frame) in coded.chunks_exact_mut(self.coded_channels).enumerate() {
            let mut planes = input.chunks_exact(FRAME).map(|plane| finite(plane[n]));
            if self.coded_channels == self.channels {
                sample_frame.iter_mut().zip(planes).for_each(|(to, from)| *to = from);
            } else {
                sample_frame[0] = planes.by_ref().sum::<f32>() / self.channels as f32;
            }
        }
        let bytes = self.encoder.encode(coded, FRAME, &mut self.packet).map_err(failed)?;
        self.decode(bytes, is_lost).map_err(failed)?;
        for (channel, plane) in output.chunks_exact_mut(FRAME).enumerate() {
            let interleaved = self.frame[channel..].iter().step_by(self.channels);
            plane.iter_mut().zip(interleaved).for_each(|(to, from)| *to = *from);
        }
        Ok(bytes)
    }

    fn reset(&mut self) {
        // Both fail for rates and channels that `new` has refused.
        let _ = self.encoder.reset_state();
        let _ = self.decoder.reset_state();
        self.waiting = Waiting::Nothing;
    }
}

fn failed(error: opus_pure::Error) -> ConventionalError {
    ConventionalError::Opus { reason: error.to_string() }
}

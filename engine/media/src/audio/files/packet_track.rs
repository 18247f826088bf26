//! A track of packets whose places in the file are known, decoded by symphonia's decoders.

use std::io;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::AudioFileError;
use super::channel_order::ChannelOrder;
use super::collector::SampleCollector;
use super::decoder::make_decoder;
use super::input::AudioInput;

/// Largest packet: beyond the largest frame of every codec here.
const MAX_PACKET_BYTES: u32 = 1 << 24;

/// The place of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PacketPlace {
    /// Its first byte in the file.
    pub start: u64,
    /// Its length in bytes.
    pub bytes: u32,
}

/// A track of packets, with what the container says of its delay and length.
#[derive(Debug)]
pub(super) struct PacketTrack {
    /// Codec and its configuration.
    pub parameters: AudioCodecParameters,
    /// Packets in the order of time.
    pub packets: Vec<PacketPlace>,
    /// Samples at the start that the encoder added.
    pub delay: u64,
    /// Samples behind the delay, where the container states their number.
    pub length: Option<u64>,
}

impl PacketTrack {
    /// Decodes every packet into `collector`, without delay and padding; returns false if the file ends before the
    /// last packet.
    pub(super) fn collect(
        &self,
        input: &AudioInput,
        collector: &mut SampleCollector<'_>,
    ) -> Result<bool, AudioFileError> {
        let mut decoder = make_decoder(collector.path(), &self.parameters)?;
        let start = collector.mark();
        let mut whole = true;
        for place in &self.packets {
            let missing = place.start.saturating_add(u64::from(place.bytes)) > input.length();
            if missing || place.bytes > MAX_PACKET_BYTES {
                whole = false;
                break;
            }
            let bytes = input
                .bytes(place.start, u64::from(place.bytes))
                .map_err(|reason: io::Error| collector.failed_to_read(reason))?;
            decode_packet(decoder.as_mut(), bytes, collector)?;
        }
        collector.trim(start, self.delay, self.length);
        Ok(whole)
    }
}

/// Decodes one packet into `collector`; counts it where it is damaged.
pub(super) fn decode_packet(
    decoder: &mut dyn AudioDecoder,
    bytes: Vec<u8>,
    collector: &mut SampleCollector<'_>,
) -> Result<(), AudioFileError> {
    let packet = Packet::new(0, Timestamp::ZERO, Duration::ZERO, bytes);
    match decoder.decode(&packet) {
        Ok(buffer) if buffer.frames() == 0 => Ok(()),
        Ok(buffer) => collect_buffer(&buffer, collector),
        Err(SymphoniaError::DecodeError(reason)) => {
            collector.corrupt(reason.to_owned());
            Ok(())
        }
        Err(SymphoniaError::IoError(error)) => {
            collector.corrupt(error.to_string());
            Ok(())
        }
        Err(SymphoniaError::ResetRequired) => {
            decoder.reset();
            Ok(())
        }
        Err(SymphoniaError::Unsupported(feature)) => Err(AudioFileError::UnsupportedCodec {
            path: collector.path().to_owned(),
            codec: format!("a variant of its codec ({feature})"),
        }),
        Err(error) => {
            collector.corrupt(error.to_string());
            Ok(())
        }
    }
}

/// Appends a decoded packet to `collector`.
pub(super) fn collect_buffer(
    buffer: &GenericAudioBufferRef<'_>,
    collector: &mut SampleCollector<'_>,
) -> Result<(), AudioFileError> {
    let spec = buffer.spec();
    collector.begin(spec.rate(), spec.channels().count())?;
    collector.decoder_order(|| ChannelOrder::of_symphonia(spec.channels()));
    let mut planes: Vec<Vec<f32>> = Vec::new();
    buffer.copy_to_vecs_planar(&mut planes);
    collector.append_with(buffer.frames(), |channel, samples| {
        samples.extend_from_slice(&planes[channel]);
    })
}

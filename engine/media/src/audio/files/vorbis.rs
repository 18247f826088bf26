//! Vorbis of more than two channels, decoded by lewton.
//!
//! symphonia undoes coupling steps in the order of their list, and the format wants them undone from the last
//! (Vorbis I, 4.3.5). The difference shows where a channel is in two steps, as from three channels on.

use lewton::audio::{PreviousWindowRight, read_audio_packet_generic};
use lewton::header::{IdentHeader, SetupHeader, read_header_ident, read_header_setup};

use super::channel_order::ChannelOrder;

/// Decoder of one logical stream.
pub(super) struct SurroundVorbis {
    identification: IdentHeader,
    setup: SetupHeader,
    previous: PreviousWindowRight,
}

impl SurroundVorbis {
    /// Returns a decoder for the headers as containers hold them: laced as in Matroska, or one behind the other.
    pub(super) fn new(headers: &[u8]) -> Result<Self, String> {
        const IDENTIFICATION: &[u8] = b"\x01vorbis";
        const SETUP: &[u8] = b"\x05vorbis";
        let find = |start: &[u8]| {
            headers.windows(start.len()).position(|bytes| bytes == start).map(|at| &headers[at..])
        };
        let (Some(identification), Some(setup)) = (find(IDENTIFICATION), find(SETUP)) else {
            return Err("its Vorbis headers are missing".into());
        };
        const IDENTIFICATION_BYTES: usize = 30;
        let identification = identification.get(..IDENTIFICATION_BYTES).unwrap_or(identification);
        let identification =
            read_header_ident(identification).map_err(|error| error.to_string())?;
        let sizes = (identification.blocksize_0, identification.blocksize_1);
        let setup = read_header_setup(setup, identification.audio_channels, sizes)
            .map_err(|error| error.to_string())?;
        Ok(Self { identification, setup, previous: PreviousWindowRight::new() })
    }

    /// Returns the sample rate in hertz.
    pub(super) fn rate(&self) -> u32 {
        self.identification.audio_sample_rate
    }

    /// Decodes a packet to planes; the first of a stream gives none.
    pub(super) fn decode(&mut self, packet: &[u8]) -> Result<Vec<Vec<f32>>, String> {
        read_audio_packet_generic(&self.identification, &self.setup, packet, &mut self.previous)
            .map_err(|error| error.to_string())
    }

    /// Returns the order of the channels (Vorbis I, 4.3.9); `None` for numbers without one.
    pub(super) fn order(&self) -> Option<ChannelOrder> {
        // Bits of a WAVE mask: 0 left, 1 right, 2 center, 3 LFE, 4 and 5 back, 8 back center, 9 and 10 side.
        let speakers: &[u32] = match self.identification.audio_channels {
            3 => &[0, 2, 1],
            4 => &[0, 1, 4, 5],
            5 => &[0, 2, 1, 4, 5],
            6 => &[0, 2, 1, 4, 5, 3],
            7 => &[0, 2, 1, 9, 10, 8, 3],
            8 => &[0, 2, 1, 9, 10, 4, 5, 3],
            _ => return None,
        };
        Some(ChannelOrder::of_speakers(speakers))
    }
}

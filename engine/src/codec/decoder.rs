//! Streaming decoding: codes in, whole frames of audio out, at one or several depths at once.

use super::error::{CodecError, InputError};
use super::executor::{Side, State};
use super::model::Codec;
use crate::tokens::Codes;

/// The decoder of one or more lanes that advance together and share each pass over the weights.
///
/// A lane is one decoded stream: the same codes at another depth, or other codes. Any sequence of
/// chunk sizes gives the same audio as all codes at once. Calls allocate and compute for
/// milliseconds: never on an audio thread.
pub struct Decoder {
    codec: Codec,
    lanes: usize,
    state: State,
}

impl Decoder {
    pub(super) fn new(codec: Codec, lanes: usize) -> Self {
        assert!(lanes > 0, "a decoder has at least one lane");
        let state = codec.0.executor.state(Side::Decoder, lanes);
        Self { codec, lanes, state }
    }

    /// Forgets the past: the next frame is the first of a stream.
    pub fn reset(&mut self) {
        self.start_at(0);
    }

    /// Forgets the past and starts as though `frame` frames had gone by.
    pub fn start_at(&mut self, frame: u64) {
        self.codec.0.executor.start_at(Side::Decoder, &mut self.state, frame);
    }

    /// Decodes the next frames: for each lane its codes and its depth (that many first layers,
    /// which may change from call to call). Returns `[lane][channel][sample]` at full scale ±1.
    ///
    /// # Errors
    /// If lanes, frames or depths do not fit, or a code lies outside its codebook. The stream is
    /// then where it was.
    pub fn decode(&mut self, lanes: &[(&Codes, usize)]) -> Result<Vec<Vec<Vec<f32>>>, CodecError> {
        let model = self.codec.0.clone();
        let config = &model.config;
        if lanes.len() != self.lanes {
            return Err(InputError::Lanes { expected: self.lanes, found: lanes.len() }.into());
        }
        let frames = lanes[0].0.frames();
        let mut data = Vec::with_capacity(self.lanes * frames * config.quantizer.output);
        for (lane, (codes, depth)) in lanes.iter().enumerate() {
            if codes.frames() != frames {
                let found = codes.frames();
                return Err(InputError::Frames { lane, expected: frames, found }.into());
            }
            data.extend(model.quantizer.dequantize(codes, *depth)?.data);
        }
        if frames == 0 {
            return Ok(vec![vec![Vec::new(); config.channels]; self.lanes]);
        }
        let samples = model.executor.forward(Side::Decoder, &mut self.state, &data, frames)?;
        let lane = |samples: &[f32]| {
            let channel = |c| samples.iter().skip(c).step_by(config.channels).copied().collect();
            (0..config.channels).map(channel).collect()
        };
        Ok(samples.chunks_exact(samples.len() / self.lanes).map(lane).collect())
    }
}

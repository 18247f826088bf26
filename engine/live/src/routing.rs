//! Routing of a host's channels to a model's streams and back: the live counterpart of
//! [`StreamLayout`](residue_core::audio::StreamLayout).
//!
//! ```text
//! host    model   inputs converted        streams   planes   outputs converted
//! mono    mono    L                       1         0        L
//! stereo  mono    L, R          (Dual)    2         0, 1     L, R
//! stereo  mono    (L + R) / 2   (Mid)     1         0        mid, heard on both channels
//! mono    stereo  L                       1         0, 0     average of both planes
//! stereo  stereo  L, R                    1         0, 1     L, R
//! ```

use residue_core::audio::MonoTreatment;

/// Routing between host channels, rate conversions and model planes; conversions are as few as
/// possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Streams that run side by side.
    pub streams: usize,
    /// Channels to convert from the host's rate to the model's.
    pub inputs: usize,
    /// Channels to convert back, for each lane.
    pub outputs: usize,
    /// The converted input of each plane of the model.
    pub planes: Vec<usize>,
    host: usize,
    /// Both channels are averaged on the way in.
    mid: bool,
    /// The planes of the one stream are averaged on the way out.
    doubled: bool,
}

impl Routing {
    /// Returns the routing between `host` and `model` channels, 1 or 2 each.
    pub fn new(host: usize, model: usize, treatment: MonoTreatment) -> Self {
        let mid = host == 2 && model == 1 && treatment == MonoTreatment::Mid;
        let doubled = host == 1 && model == 2;
        let inputs = if mid { 1 } else { host };
        let streams = if model == 1 { inputs } else { 1 };
        let planes = if doubled { vec![0, 0] } else { (0..inputs).collect() };
        Self { streams, inputs, outputs: inputs, planes, host, mid, doubled }
    }

    /// Appends interleaved host audio to the buffer of each input conversion.
    pub fn split(&self, interleaved: &[f32], inputs: &mut [Vec<f32>]) {
        for (channel, input) in inputs.iter_mut().enumerate() {
            let frames = interleaved.chunks_exact(self.host);
            if self.mid {
                input.extend(frames.map(|frame| (frame[0] + frame[1]) * 0.5));
            } else {
                input.extend(frames.map(|frame| frame[channel]));
            }
        }
    }

    /// Folds a lane's planes, which lie one after the other, in place to one an output conversion: the
    /// first [`Self::outputs`] hold the result.
    pub fn fold(&self, audio: &mut [f32]) {
        if self.doubled {
            let (left, right) = audio.split_at_mut(audio.len() / 2);
            left.iter_mut().zip(right).for_each(|(left, right)| *left = (*left + *right) * 0.5);
        }
    }

    /// Returns the output conversion of host channel `channel`.
    pub fn output(&self, channel: usize) -> usize {
        channel.min(self.outputs - 1)
    }
}

//! From a host's channels to a model's streams and back; the live half of the table in
//! [`audio::layout`](residue_core::audio::StreamLayout).

use residue_core::audio::MonoTreatment;

/// Where each channel goes. Conversions of rate stand between the host's channels and the model's
/// planes, as few of them as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Streams that run side by side.
    pub streams: usize,
    /// Channels to convert from the host's rate to the model's.
    pub inputs: usize,
    /// Channels to convert back, for each lane.
    pub outputs: usize,
    /// For each plane of the model the converted input it takes.
    pub planes: Vec<usize>,
    host: usize,
    /// Both channels are averaged on the way in.
    mid: bool,
    /// The planes of the one stream are averaged on the way out.
    doubled: bool,
}

impl Routing {
    /// Between `host` and `model` channels, 1 or 2 each.
    pub fn new(host: usize, model: usize, treatment: MonoTreatment) -> Self {
        let mid = host == 2 && model == 1 && treatment == MonoTreatment::Mid;
        let doubled = host == 1 && model == 2;
        let inputs = if mid { 1 } else { host };
        let streams = if model == 1 { inputs } else { 1 };
        let planes = if doubled { vec![0, 0] } else { (0..inputs).collect() };
        Self { streams, inputs, outputs: inputs, planes, host, mid, doubled }
    }

    /// Adds ticks of interleaved host audio to one buffer a conversion.
    pub fn split(&self, interleaved: &[f32], inputs: &mut [Vec<f32>]) {
        for (channel, input) in inputs.iter_mut().enumerate() {
            let ticks = interleaved.chunks_exact(self.host);
            if self.mid {
                input.extend(ticks.map(|tick| (tick[0] + tick[1]) * 0.5));
            } else {
                input.extend(ticks.map(|tick| tick[channel]));
            }
        }
    }

    /// Folds a lane's planes, which lie one after the other, in place to one a conversion back: the
    /// first [`Self::outputs`] hold the result.
    pub fn fold(&self, audio: &mut [f32]) {
        if self.doubled {
            let (left, right) = audio.split_at_mut(audio.len() / 2);
            left.iter_mut().zip(right).for_each(|(left, right)| *left = (*left + *right) * 0.5);
        }
    }

    /// The conversion back that host channel `channel` hears.
    pub fn output(&self, channel: usize) -> usize {
        channel.min(self.outputs - 1)
    }
}

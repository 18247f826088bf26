//! Settings that change while audio runs: plain data, copied and compared on the audio thread.

/// Signal that is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListeningSource {
    /// The input, delayed by the latency, bit for bit.
    Dry,
    /// Lane A.
    #[default]
    A,
    /// Lane B.
    B,
    /// Lane A minus lane B.
    AMinusB,
    /// Residue of lane A: dry minus A.
    DryMinusA,
    /// Residue of lane B: dry minus B.
    DryMinusB,
}

impl ListeningSource {
    /// All sources, in the order of menus.
    pub const ALL: [Self; 6] =
        [Self::Dry, Self::A, Self::B, Self::AMinusB, Self::DryMinusA, Self::DryMinusB];

    /// Returns the gains of dry, A and B.
    pub(super) fn gains(self) -> [f32; 3] {
        match self {
            Self::Dry => [1.0, 0.0, 0.0],
            Self::A => [0.0, 1.0, 0.0],
            Self::B => [0.0, 0.0, 1.0],
            Self::AMinusB => [0.0, 1.0, -1.0],
            Self::DryMinusA => [1.0, -1.0, 0.0],
            Self::DryMinusB => [1.0, 0.0, -1.0],
        }
    }
}

/// Signal of lanes A and B where the codec was late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Concealment {
    /// The dry lane.
    #[default]
    Dry,
    /// The lane's last frame, repeated.
    Hold,
    /// Silence.
    Silence,
}

/// Replacement of the codes of a lost frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LossConcealment {
    /// The codes that were decoded last.
    #[default]
    Repeat,
    /// The codes of a silent frame.
    Silence,
}

/// Packet loss between encoder and decoder, in frames: parameters of a two-state Gilbert model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PacketLoss {
    /// Long-term share of frames lost, 0 to 1.
    pub rate: f32,
    /// Mean length of a burst of losses, in frames, at least 1. A value of 1/(1 - rate) makes losses
    /// independent of each other; anything below is taken as that.
    pub burst: f32,
    /// Replacement of lost codes.
    pub fill: LossConcealment,
    /// Seed of the pattern: the same one loses the same frames, counted from the start of the stream, or
    /// of the model if that was changed since.
    pub seed: u64,
}

impl Default for PacketLoss {
    fn default() -> Self {
        Self { rate: 0.0, burst: 1.0, fill: LossConcealment::Repeat, seed: 0 }
    }
}

impl PacketLoss {
    /// Returns the parameters clamped to their ranges; NaN becomes no loss, and bursts of 1.
    pub fn clamped(self) -> Self {
        let rate = if self.rate.is_nan() { 0.0 } else { self.rate.clamp(0.0, 1.0) };
        let burst = if self.burst.is_nan() { 1.0 } else { self.burst.clamp(1.0, 1e6) };
        Self { rate, burst, ..self }
    }
}

/// Effects on each frame. A change takes effect with the first frame that begins at or after the sample
/// before which it was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameEffects {
    /// RVQ depths of lanes A and B, clamped to those of the model.
    pub depths: [usize; 2],
    /// Muted RVQ layers, in both lanes: bit k mutes layer k (from 0).
    pub muted_layers: u64,
    /// Packet loss, in both lanes alike.
    pub loss: PacketLoss,
    /// Whether the codes of the last frame are decoded again and again.
    pub freeze: bool,
    /// Whether lanes A and B are slowly brought to the loudness of the dry lane.
    pub match_loudness: bool,
}

impl Default for FrameEffects {
    /// Returns full depth in A, depth 1 in B, and no other effect.
    fn default() -> Self {
        Self {
            depths: [usize::MAX, 1],
            muted_layers: 0,
            loss: PacketLoss::default(),
            freeze: false,
            match_loudness: false,
        }
    }
}

/// Settings of a port, made on the audio thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortSettings {
    /// Signal that is heard. A change crossfades over [`SOURCE_FADE`](super::SOURCE_FADE).
    pub source: ListeningSource,
    /// Share of the source in the output, 0 to 1; the rest is the dry lane. Crossfades as the source does.
    pub mix: f32,
    /// Replacement of late frames.
    pub concealment: Concealment,
    /// Effects on each frame.
    pub frames: FrameEffects,
}

impl Default for PortSettings {
    fn default() -> Self {
        Self {
            source: ListeningSource::A,
            mix: 1.0,
            concealment: Concealment::Dry,
            frames: FrameEffects::default(),
        }
    }
}

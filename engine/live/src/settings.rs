//! What can be changed while audio runs. Everything here is plain data, copied and compared on the
//! audio thread.

/// What is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListeningSource {
    /// The input, delayed by the latency, bit for bit.
    Dry,
    /// Lane A.
    #[default]
    A,
    /// Lane B.
    B,
    /// What lane A has and lane B has not.
    AMinusB,
    /// What lane A leaves behind.
    DryMinusA,
    /// What lane B leaves behind.
    DryMinusB,
}

impl ListeningSource {
    /// All of them, in the order a person would list them.
    pub const ALL: [Self; 6] =
        [Self::Dry, Self::A, Self::B, Self::AMinusB, Self::DryMinusA, Self::DryMinusB];

    /// Gains of dry, A and B.
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

/// What lanes A and B hold where the codec was late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Concealment {
    /// The dry lane.
    #[default]
    Dry,
    /// The lane's last frame, again and again.
    Hold,
    /// Nothing.
    Silence,
}

/// What stands in for the codes of a lost frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LossConcealment {
    /// The codes that were decoded last.
    #[default]
    Repeat,
    /// The codes that the model gives a silent frame.
    Silence,
}

/// Frames lost between encoder and decoder, as on a bad line: a two-state Gilbert model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PacketLoss {
    /// Share of frames lost in the long run, 0 to 1.
    pub rate: f32,
    /// Mean number of frames lost in a row, at least 1. A value of 1/(1 - rate) makes losses
    /// independent of each other; anything below is taken as that.
    pub burst: f32,
    /// What is decoded instead.
    pub fill: LossConcealment,
    /// The same seed loses the same frames, counted from the start of the stream, or of the model if
    /// it was changed since.
    pub seed: u64,
}

impl Default for PacketLoss {
    fn default() -> Self {
        Self { rate: 0.0, burst: 1.0, fill: LossConcealment::Repeat, seed: 0 }
    }
}

impl PacketLoss {
    /// The same, with numbers that mean something: nonsense loses nothing.
    pub(super) fn sane(self) -> Self {
        let rate = if self.rate.is_nan() { 0.0 } else { self.rate.clamp(0.0, 1.0) };
        let burst = if self.burst.is_nan() { 1.0 } else { self.burst.clamp(1.0, 1e6) };
        Self { rate, burst, ..self }
    }
}

/// What happens to each frame. Takes effect with the first frame that begins at or after the sample
/// before which it was set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameEffects {
    /// RVQ depth of lanes A and B. What the model does not have is taken as the nearest it has.
    pub depths: [usize; 2],
    /// Bit k mutes RVQ layer k (from 0) in both lanes.
    pub muted_layers: u64,
    /// Frame loss, in both lanes alike.
    pub loss: PacketLoss,
    /// Go on decoding the codes of the last frame.
    pub freeze: bool,
    /// Bring lanes A and B to the loudness of the dry lane, slowly.
    pub match_loudness: bool,
}

impl Default for FrameEffects {
    /// Full depth in A, depth 1 in B, nothing else.
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

/// Everything the audio thread sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortSettings {
    /// What is heard. A change crossfades over [`SOURCE_FADE`](super::SOURCE_FADE).
    pub source: ListeningSource,
    /// How much of the source is heard, 0 to 1; the rest is the dry lane. Fades like the source.
    pub mix: f32,
    /// What fills in for late frames.
    pub concealment: Concealment,
    /// What happens to each frame.
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

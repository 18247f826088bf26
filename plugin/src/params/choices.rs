//! The values of choice parameters. Hosts show the names; projects save the ids.

use nice_plug::prelude::Enum;

/// The listening source.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum ListenTo {
    /// The dry lane: the delayed input.
    #[id = "dry"]
    #[name = "Dry"]
    Dry,
    /// Lane A.
    #[id = "a"]
    #[name = "A"]
    A,
    /// Lane B.
    #[id = "b"]
    #[name = "B"]
    B,
    /// Lane A minus lane B.
    #[id = "a-b"]
    #[name = "A-B"]
    AMinusB,
    /// The residual of lane A: dry minus A.
    #[id = "dry-a"]
    #[name = "Dry-A"]
    DryMinusA,
    /// The residual of lane B: dry minus B.
    #[id = "dry-b"]
    #[name = "Dry-B"]
    DryMinusB,
}

/// Concealment of a lost frame.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum LostFrameFill {
    /// Repeats the codes of the last frame.
    #[id = "repeat"]
    #[name = "Repeat"]
    Repeat,
    /// Decodes the codes of a silent frame.
    #[id = "silence"]
    #[name = "Silence"]
    Silence,
}

/// Concealment of frames that the codec did not compute in time.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum LateFrameFill {
    /// The dry lane.
    #[id = "dry"]
    #[name = "Dry"]
    Dry,
    /// Repeats the lane's last frame.
    #[id = "hold"]
    #[name = "Hold"]
    Hold,
    /// Silence.
    #[id = "silence"]
    #[name = "Silence"]
    Silence,
}

/// Treatment of stereo in a mono model.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum StereoInMono {
    /// Codes each channel by itself, at twice the bitrate.
    #[id = "dual"]
    #[name = "Both channels"]
    Dual,
    /// Codes only the mid signal (L+R)/2, and plays it on both channels.
    #[id = "mid"]
    #[name = "Mid only"]
    Mid,
}

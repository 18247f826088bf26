//! Choices. Names are for people, ids for projects.

use nice_plug::prelude::Enum;

/// What is heard.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum Listen {
    /// The input, delayed.
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
    /// What A has and B has not.
    #[id = "a-b"]
    #[name = "A-B"]
    AMinusB,
    /// What A leaves behind.
    #[id = "dry-a"]
    #[name = "Dry-A"]
    DryMinusA,
    /// What B leaves behind.
    #[id = "dry-b"]
    #[name = "Dry-B"]
    DryMinusB,
}

/// What stands in for a lost frame.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum Fill {
    /// The codes of the last frame.
    #[id = "repeat"]
    #[name = "Repeat"]
    Repeat,
    /// The codes of a silent frame.
    #[id = "silence"]
    #[name = "Silence"]
    Silence,
}

/// What fills in for frames that the codec did not compute in time.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum WhenLate {
    /// The dry lane.
    #[id = "dry"]
    #[name = "Dry"]
    Dry,
    /// The lane's last frame.
    #[id = "hold"]
    #[name = "Hold"]
    Hold,
    /// Nothing.
    #[id = "silence"]
    #[name = "Silence"]
    Silence,
}

/// How stereo goes through a mono model.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum Mono {
    /// Each channel is coded by itself: twice the bits.
    #[id = "dual"]
    #[name = "Both channels"]
    Dual,
    /// Only (L+R)/2 is coded, and heard on both.
    #[id = "mid"]
    #[name = "Mid only"]
    Mid,
}

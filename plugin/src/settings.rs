//! Parameters as the live path's settings.

use residue_engine::audio::MonoTreatment;
use residue_engine::live::{Concealment, FrameSettings, Loss, LossFill, Settings, Source};

use crate::params::{Fill, Listen, Mono, ResidueParams, WhenLate};

/// What the parameters say now. Realtime-safe.
pub fn settings(params: &ResidueParams) -> Settings {
    let (codec, line) = (&params.codec, &params.line);
    Settings {
        source: source(codec.listen.value(), codec.swap.value()),
        mix: codec.mix.value() / 100.0,
        concealment: match params.engine.late.value() {
            WhenLate::Dry => Concealment::Dry,
            WhenLate::Hold => Concealment::Hold,
            WhenLate::Silence => Concealment::Silence,
        },
        frames: FrameSettings {
            depths: [&codec.depth_a, &codec.depth_b].map(|depth| depth.value().max(1) as usize),
            muted_layers: params.muted.get(),
            loss: Loss {
                rate: line.loss.value() / 100.0,
                burst: line.burst.value(),
                fill: match line.fill.value() {
                    Fill::Repeat => LossFill::Repeat,
                    Fill::Silence => LossFill::Silence,
                },
                seed: 0,
            },
            freeze: line.freeze.value(),
            match_loudness: codec.match_loudness.value(),
        },
    }
}

/// How stereo goes through a mono model, as the parameters say now. Realtime-safe.
pub fn treatment(params: &ResidueParams) -> MonoTreatment {
    match params.engine.mono.value() {
        Mono::Dual => MonoTreatment::Dual,
        Mono::Mid => MonoTreatment::Mid,
    }
}

/// What is heard. A-B has nothing to swap but its sign.
pub fn source(listen: Listen, swap: bool) -> Source {
    match (listen, swap) {
        (Listen::Dry, _) => Source::Dry,
        (Listen::A, false) | (Listen::B, true) => Source::A,
        (Listen::B, false) | (Listen::A, true) => Source::B,
        (Listen::AMinusB, _) => Source::AMinusB,
        (Listen::DryMinusA, false) | (Listen::DryMinusB, true) => Source::DryMinusA,
        (Listen::DryMinusB, false) | (Listen::DryMinusA, true) => Source::DryMinusB,
    }
}

/// What to listen to so that this is heard: the inverse of [`source`].
pub fn listen(heard: Source, swap: bool) -> Listen {
    match (heard, swap) {
        (Source::Dry, _) => Listen::Dry,
        (Source::A, false) | (Source::B, true) => Listen::A,
        (Source::B, false) | (Source::A, true) => Listen::B,
        (Source::AMinusB, _) => Listen::AMinusB,
        (Source::DryMinusA, false) | (Source::DryMinusB, true) => Listen::DryMinusA,
        (Source::DryMinusB, false) | (Source::DryMinusA, true) => Listen::DryMinusB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_can_be_asked_for_swapped_or_not() {
        for heard in Source::ALL {
            for swap in [false, true] {
                assert_eq!(source(listen(heard, swap), swap), heard);
            }
        }
    }
}

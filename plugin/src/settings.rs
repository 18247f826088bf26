//! Parameters as the live path's settings.

use residue_engine::audio::MonoTreatment;
use residue_engine::live::{
    Concealment, FrameEffects, ListeningSource, LossConcealment, PacketLoss, PortSettings,
};

use crate::params::{Fill, Listen, Mono, ResidueParams, WhenLate};

/// What the parameters say now. Realtime-safe.
pub fn settings(params: &ResidueParams) -> PortSettings {
    let (codec, line) = (&params.codec, &params.line);
    PortSettings {
        source: source(codec.listen.value(), codec.swap.value()),
        mix: codec.mix.value() / 100.0,
        concealment: match params.engine.late.value() {
            WhenLate::Dry => Concealment::Dry,
            WhenLate::Hold => Concealment::Hold,
            WhenLate::Silence => Concealment::Silence,
        },
        frames: FrameEffects {
            depths: [&codec.depth_a, &codec.depth_b].map(|depth| depth.value().max(1) as usize),
            muted_layers: params.muted.get(),
            loss: PacketLoss {
                rate: line.loss.value() / 100.0,
                burst: line.burst.value(),
                fill: match line.fill.value() {
                    Fill::Repeat => LossConcealment::Repeat,
                    Fill::Silence => LossConcealment::Silence,
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
pub fn source(listen: Listen, swap: bool) -> ListeningSource {
    match (listen, swap) {
        (Listen::Dry, _) => ListeningSource::Dry,
        (Listen::A, false) | (Listen::B, true) => ListeningSource::A,
        (Listen::B, false) | (Listen::A, true) => ListeningSource::B,
        (Listen::AMinusB, _) => ListeningSource::AMinusB,
        (Listen::DryMinusA, false) | (Listen::DryMinusB, true) => ListeningSource::DryMinusA,
        (Listen::DryMinusB, false) | (Listen::DryMinusA, true) => ListeningSource::DryMinusB,
    }
}

/// What to listen to so that this is heard: the inverse of [`source`].
pub fn listen(heard: ListeningSource, swap: bool) -> Listen {
    match (heard, swap) {
        (ListeningSource::Dry, _) => Listen::Dry,
        (ListeningSource::A, false) | (ListeningSource::B, true) => Listen::A,
        (ListeningSource::B, false) | (ListeningSource::A, true) => Listen::B,
        (ListeningSource::AMinusB, _) => Listen::AMinusB,
        (ListeningSource::DryMinusA, false) | (ListeningSource::DryMinusB, true) => {
            Listen::DryMinusA
        }
        (ListeningSource::DryMinusB, false) | (ListeningSource::DryMinusA, true) => {
            Listen::DryMinusB
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_can_be_asked_for_swapped_or_not() {
        for heard in ListeningSource::ALL {
            for swap in [false, true] {
                assert_eq!(source(listen(heard, swap), swap), heard);
            }
        }
    }
}

//! Parameters as settings of the live path.

use residue_engine::audio::MonoTreatment;
use residue_engine::live::{
    Concealment, FrameEffects, ListeningSource, LossConcealment, PacketLoss, PortSettings,
};

use crate::params::{LateFrameFill, ListenTo, LostFrameFill, ResidueParams, StereoInMono};

/// Returns the port settings that the parameters have now. Realtime-safe.
pub fn port_settings(params: &ResidueParams) -> PortSettings {
    let (codec, transmission) = (&params.codec, &params.transmission);
    PortSettings {
        source: listening_source(codec.listen.value(), codec.swap.value()),
        mix: codec.mix.value() / 100.0,
        concealment: match params.engine.late.value() {
            LateFrameFill::Dry => Concealment::Dry,
            LateFrameFill::Hold => Concealment::Hold,
            LateFrameFill::Silence => Concealment::Silence,
        },
        frames: FrameEffects {
            depths: [&codec.depth_a, &codec.depth_b].map(|depth| depth.value().max(1) as usize),
            muted_layers: params.muted.get(),
            loss: PacketLoss {
                rate: transmission.loss.value() / 100.0,
                burst: transmission.burst.value(),
                fill: match transmission.fill.value() {
                    LostFrameFill::Repeat => LossConcealment::Repeat,
                    LostFrameFill::Silence => LossConcealment::Silence,
                },
                seed: 0,
            },
            freeze: transmission.freeze.value(),
            match_loudness: codec.match_loudness.value(),
        },
    }
}

/// Returns the treatment of stereo in mono models that the parameters have now. Realtime-safe.
pub fn mono_treatment(params: &ResidueParams) -> MonoTreatment {
    match params.engine.mono.value() {
        StereoInMono::Dual => MonoTreatment::Dual,
        StereoInMono::Mid => MonoTreatment::Mid,
    }
}

/// Returns the listening source of a choice, with A and B exchanged where `swap` is on. A-B stays: only
/// its sign would change.
pub fn listening_source(listen: ListenTo, swap: bool) -> ListeningSource {
    match (listen, swap) {
        (ListenTo::Dry, _) => ListeningSource::Dry,
        (ListenTo::A, false) | (ListenTo::B, true) => ListeningSource::A,
        (ListenTo::B, false) | (ListenTo::A, true) => ListeningSource::B,
        (ListenTo::AMinusB, _) => ListeningSource::AMinusB,
        (ListenTo::DryMinusA, false) | (ListenTo::DryMinusB, true) => ListeningSource::DryMinusA,
        (ListenTo::DryMinusB, false) | (ListenTo::DryMinusA, true) => ListeningSource::DryMinusB,
    }
}

/// Returns the choice with which a source is heard: the inverse of [`listening_source`].
pub fn listen_choice(heard: ListeningSource, swap: bool) -> ListenTo {
    match (heard, swap) {
        (ListeningSource::Dry, _) => ListenTo::Dry,
        (ListeningSource::A, false) | (ListeningSource::B, true) => ListenTo::A,
        (ListeningSource::B, false) | (ListeningSource::A, true) => ListenTo::B,
        (ListeningSource::AMinusB, _) => ListenTo::AMinusB,
        (ListeningSource::DryMinusA, false) | (ListeningSource::DryMinusB, true) => {
            ListenTo::DryMinusA
        }
        (ListeningSource::DryMinusB, false) | (ListeningSource::DryMinusA, true) => {
            ListenTo::DryMinusB
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_a_choice_swapped_or_not() {
        for heard in ListeningSource::ALL {
            for swap in [false, true] {
                assert_eq!(listening_source(listen_choice(heard, swap), swap), heard);
            }
        }
    }
}

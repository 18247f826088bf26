//! The parameters, in groups, and the other fields of the saved state.
//!
//! Ids of parameters, of their choices and of fields are part of every saved project: they never change
//! their meaning.

mod appearance;
mod choices;
mod constructors;
mod muted;

use std::sync::Arc;

use nice_plug::prelude::*;

pub use appearance::{EditorAppearance, MIN_SIZE, SavedAppearance};
pub use choices::{LateFrameFill, ListenTo, LostFrameFill, StereoInMono};
pub use muted::MutedLayers;

use crate::model::{InstanceModel, ModelField};
use crate::newer_state::HeldNewerState;
use constructors::{decibels, depth, frames, percent, switch};

/// The saved state: parameters, the requested model, and what only the editor changes.
#[derive(Params)]
pub struct ResidueParams {
    /// The requested model; loaded by a thread of its own.
    #[persist = "model"]
    pub model: ModelField,
    /// Muted layers. Not parameters: hosts would list one for each of 32 layers.
    #[persist = "muted"]
    pub muted: MutedLayers,
    /// Size and color theme of the editor.
    #[persist = "editor"]
    pub editor: SavedAppearance,
    /// The state of a newer version that was loaded; `SavedParams` saves it.
    pub newer: HeldNewerState,
    /// The two lanes, and what is heard of them.
    #[nested(group = "Codec")]
    pub codec: CodecParams,
    /// Effects on the codes between encoder and decoder.
    #[nested(group = "Line")]
    pub transmission: TransmissionParams,
    /// Gains.
    #[nested(group = "Levels")]
    pub levels: LevelParams,
    /// Bypass, and settings of the realtime engine.
    #[nested(group = "Engine")]
    pub engine: EngineParams,
}

/// The two lanes, and what is heard of them.
///
/// # Depths
/// A depth is automated and saved as a number of RVQ layers, 1 to 32, and shown as its bitrate in the
/// running model. Layers, because an automation curve then keeps its shape and hits every step exactly
/// whatever model is loaded; kilobits a second would fall between the steps of one model and beyond the
/// range of another. A depth beyond the model's layers plays all of them and keeps its value, for when
/// the larger model is loaded again.
#[derive(Params)]
pub struct CodecParams {
    /// Depth of lane A, in layers.
    #[id = "depa"]
    pub depth_a: IntParam,
    /// Depth of lane B, in layers.
    #[id = "depb"]
    pub depth_b: IntParam,
    /// The listening source.
    #[id = "listen"]
    pub listen: EnumParam<ListenTo>,
    /// Exchanges A and B in the listening source: one button to compare, for any choice of `listen`.
    #[id = "swap"]
    pub swap: BoolParam,
    /// Share of the listening source, in %; the rest is the dry lane.
    #[id = "mix"]
    pub mix: FloatParam,
    /// Matches the loudness of lanes A and B to the dry lane.
    #[id = "match"]
    pub match_loudness: BoolParam,
}

/// Effects on the codes between encoder and decoder.
#[derive(Params)]
pub struct TransmissionParams {
    /// Share of frames lost, in %.
    #[id = "loss"]
    pub loss: FloatParam,
    /// Mean number of frames lost in a row.
    #[id = "burst"]
    pub burst: FloatParam,
    /// Concealment of lost frames.
    #[id = "fill"]
    pub fill: EnumParam<LostFrameFill>,
    /// Repeats the codes of the last frame.
    #[id = "freeze"]
    pub freeze: BoolParam,
}

/// Gains before and after the codec, in dB.
#[derive(Params)]
pub struct LevelParams {
    /// Gain before the codec; it applies to the dry lane too.
    #[id = "ingain"]
    pub input: FloatParam,
    /// Gain after everything but the bypass.
    #[id = "outgn"]
    pub output: FloatParam,
}

/// Bypass, and settings of the realtime engine.
#[derive(Params)]
pub struct EngineParams {
    /// Outputs the unprocessed input, delayed by the latency.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// Concealment of frames that miss their deadline. Not automatable: it should never be heard at all.
    #[id = "late"]
    pub late: EnumParam<LateFrameFill>,
    /// Treatment of stereo in mono models. Not automatable: it takes effect when the host restarts audio,
    /// which it is asked to.
    #[id = "mono"]
    pub mono: EnumParam<StereoInMono>,
}

impl ResidueParams {
    /// The defaults: full depth in A, 2 layers in B, A is heard.
    pub fn new(slot: Arc<InstanceModel>) -> Self {
        let layer_bitrate = slot.layer_bitrate();
        Self {
            model: ModelField(slot),
            muted: MutedLayers::default(),
            editor: SavedAppearance::default(),
            newer: HeldNewerState::default(),
            codec: CodecParams {
                depth_a: depth("Depth A", 32, &layer_bitrate),
                depth_b: depth("Depth B", 2, &layer_bitrate),
                listen: EnumParam::new("Listen", ListenTo::A),
                swap: switch("Swap A and B"),
                mix: percent("Mix", 100.0),
                match_loudness: switch("Match loudness"),
            },
            transmission: TransmissionParams {
                loss: percent("Frame loss", 0.0),
                burst: frames("Burst length", 1.0, 50.0),
                fill: EnumParam::new("Lost frames", LostFrameFill::Repeat),
                freeze: switch("Freeze"),
            },
            levels: LevelParams { input: decibels("Input gain"), output: decibels("Output gain") },
            engine: EngineParams {
                bypass: switch("Bypass").make_bypass(),
                late: EnumParam::new("Late frames", LateFrameFill::Dry).non_automatable(),
                mono: EnumParam::new("Stereo in mono models", StereoInMono::Dual).non_automatable(),
            },
        }
    }

    /// Declares the pages of a hardware controller with eight knobs.
    pub fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        context.add_section("Residue", |section| {
            section.add_page("Compare", |page| {
                page.add_param(&self.codec.depth_a);
                page.add_param(&self.codec.depth_b);
                page.add_param(&self.codec.listen);
                page.add_param(&self.codec.swap);
                page.add_param(&self.codec.mix);
                page.add_param(&self.codec.match_loudness);
                page.add_param(&self.levels.output);
                page.add_param(&self.engine.bypass);
            });
            section.add_page("Line", |page| {
                page.add_param(&self.transmission.loss);
                page.add_param(&self.transmission.burst);
                page.add_param(&self.transmission.fill);
                page.add_param(&self.transmission.freeze);
                page.add_param(&self.levels.input);
                page.add_spacer();
                page.add_param(&self.engine.late);
                page.add_param(&self.engine.mono);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::instance::Instance;

    fn params() -> Arc<ResidueParams> {
        Instance::new().params
    }

    /// Every value of every parameter survives its own text, with and without unit.
    #[test]
    fn texts_round_trip() {
        let params = params();
        for (id, param, _) in params.param_map() {
            for step in 0..=1000 {
                let value = step as f32 / 1000.0;
                for unit in [true, false] {
                    // SAFETY: `params` outlives its pointers.
                    let (text, back, again, plain, read) = unsafe {
                        let text = param.normalized_value_to_string(value, unit);
                        let back = param.string_to_normalized_value(&text);
                        let back = back.unwrap_or_else(|| panic!("{id}: {text:?} is not read"));
                        let again = param.normalized_value_to_string(back, unit);
                        (text, back, again, param.preview_plain(value), param.preview_plain(back))
                    };
                    assert_eq!(text, again, "{id}: {back}");
                    // A switch has no values but its ends.
                    let off = if matches!(param, ParamPtr::BoolParam(_)) { 0.5 } else { 1e-4 };
                    assert!((plain - read).abs() <= off, "{id}: {plain} {text:?} {read}");
                }
            }
        }
    }

    #[test]
    fn texts_are_what_people_write() {
        let params = params();
        let text = |param: &dyn Fn() -> String| param();
        assert_eq!(text(&|| params.codec.depth_a.to_string()), "32 kbps");
        assert_eq!(text(&|| params.codec.mix.to_string()), "100 %");
        assert_eq!(text(&|| params.levels.input.to_string()), "0 dB");
        assert_eq!(text(&|| params.transmission.burst.to_string()), "1 frame");
        assert_eq!(text(&|| params.codec.listen.to_string()), "A");
        let gain = params.levels.input.string_to_normalized_value("-6,5 db");
        assert_eq!(gain.map(|gain| params.levels.input.preview_plain(gain)), Some(-6.5));
        let depth = params.codec.depth_b.string_to_normalized_value("2 kbps");
        assert_eq!(depth.map(|depth| params.codec.depth_b.preview_plain(depth)), Some(2));
    }

    /// Projects depend on these.
    #[test]
    fn ids_are_what_they_always_were() {
        let params = params();
        let map = params.param_map();
        let ids: Vec<&str> = map.iter().map(|(id, _, _)| id.as_str()).collect();
        let always = [
            "depa", "depb", "listen", "swap", "mix", "match", "loss", "burst", "fill", "freeze",
            "ingain", "outgn", "bypass", "late", "mono",
        ];
        assert_eq!(ids, always);
        assert!(map.iter().all(|(_, _, group)| !group.is_empty()));
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        assert_eq!(ListenTo::ids().unwrap(), ["dry", "a", "b", "a-b", "dry-a", "dry-b"]);
        assert_eq!(LostFrameFill::ids().unwrap(), ["repeat", "silence"]);
        assert_eq!(LateFrameFill::ids().unwrap(), ["dry", "hold", "silence"]);
        assert_eq!(StereoInMono::ids().unwrap(), ["dual", "mid"]);
    }
}

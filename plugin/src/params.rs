//! The parameters, in groups, and what else a project saves. Their ids are part of every saved project: they never change meaning.

mod build;
mod kinds;
mod muted;

use std::sync::Arc;

use nice_plug::prelude::*;
use residue_engine::codec::CodecConfig;
use residue_engine::models::embedded;

pub use kinds::{Fill, Listen, Mono, WhenLate};
pub use muted::MutedLayers;

use crate::depth::Scale;
use crate::editor::SavedEditor;
use crate::model::{ModelField, ModelSlot};
use build::{decibels, depth, frames, percent, switch};

/// Everything that a project saves: parameters, the model's name, and what only the editor changes.
#[derive(Params)]
pub struct ResidueParams {
    /// Which model; loaded by a thread of its own.
    #[persist = "model"]
    pub model: ModelField,
    /// Layers that are not decoded. No parameter: hosts would list one for each of 32 layers.
    #[persist = "muted"]
    pub muted: MutedLayers,
    /// The size and look of the editor.
    #[persist = "editor"]
    pub editor: SavedEditor,
    /// What is compared.
    #[nested(group = "Codec")]
    pub codec: CodecParams,
    /// What happens to the codes on their way.
    #[nested(group = "Line")]
    pub line: LineParams,
    /// Levels.
    #[nested(group = "Levels")]
    pub levels: LevelParams,
    /// How audio runs.
    #[nested(group = "Engine")]
    pub engine: EngineParams,
}

/// What is compared, and what of it is heard.
///
/// # Depths
/// A depth is kept, automated and saved as a number of RVQ layers, 1 to 32, and shown as the bitrate
/// that it means in the model that runs. Layers are what a model has: a drawn automation keeps its
/// shape and hits every step exactly whatever model is loaded, while kilobits a second would land
/// between the steps of one model and beyond the end of another. A depth beyond the model's layers
/// plays all of them and is kept as it is, for when the larger model comes back.
#[derive(Params)]
pub struct CodecParams {
    /// Depth of lane A.
    #[id = "depa"]
    pub depth_a: IntParam,
    /// Depth of lane B.
    #[id = "depb"]
    pub depth_b: IntParam,
    /// What is heard.
    #[id = "listen"]
    pub listen: EnumParam<Listen>,
    /// A and B change places in what is heard: one button to compare, for any choice of `listen`.
    #[id = "swap"]
    pub swap: BoolParam,
    /// How much of it is heard; the rest is the dry lane.
    #[id = "mix"]
    pub mix: FloatParam,
    /// Lanes A and B are brought to the loudness of the dry lane.
    #[id = "match"]
    pub match_loudness: BoolParam,
}

/// What happens to the codes between encoder and decoder.
#[derive(Params)]
pub struct LineParams {
    /// Share of frames lost.
    #[id = "loss"]
    pub loss: FloatParam,
    /// Mean number of frames lost in a row.
    #[id = "burst"]
    pub burst: FloatParam,
    /// What stands in for a lost frame.
    #[id = "fill"]
    pub fill: EnumParam<Fill>,
    /// The last frame's codes are decoded again and again.
    #[id = "freeze"]
    pub freeze: BoolParam,
}

/// Levels before and after, in dB.
#[derive(Params)]
pub struct LevelParams {
    /// Before the codec; the dry lane has it too.
    #[id = "ingain"]
    pub input: FloatParam,
    /// After everything but the bypass.
    #[id = "outgn"]
    pub output: FloatParam,
}

/// How audio runs.
#[derive(Params)]
pub struct EngineParams {
    /// The input, delayed by the latency and otherwise untouched.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// What fills in where the codec is late. Not automatable: it should never be heard at all.
    #[id = "late"]
    pub late: EnumParam<WhenLate>,
    /// How stereo goes through a mono model. Not automatable: it takes effect when the host starts
    /// audio again, which it is asked to.
    #[id = "mono"]
    pub mono: EnumParam<Mono>,
}

impl ResidueParams {
    /// Defaults: full depth in A, 4 layers in B, A is heard.
    pub fn new(slot: Arc<ModelSlot>) -> Self {
        let scale = slot.scale();
        Self {
            model: ModelField(slot),
            muted: MutedLayers::default(),
            editor: SavedEditor::default(),
            codec: CodecParams {
                depth_a: depth("Depth A", 32, &scale),
                depth_b: depth("Depth B", 2, &scale),
                listen: EnumParam::new("Listen", Listen::A),
                swap: switch("Swap A and B"),
                mix: percent("Mix", 100.0),
                match_loudness: switch("Match loudness"),
            },
            line: LineParams {
                loss: percent("Frame loss", 0.0),
                burst: frames("Burst length", 1.0, 50.0),
                fill: EnumParam::new("Lost frames", Fill::Repeat),
                freeze: switch("Freeze"),
            },
            levels: LevelParams { input: decibels("Input gain"), output: decibels("Output gain") },
            engine: EngineParams {
                bypass: switch("Bypass").make_bypass(),
                late: EnumParam::new("Late frames", WhenLate::Dry).non_automatable(),
                mono: EnumParam::new("Stereo in mono models", Mono::Dual).non_automatable(),
            },
        }
    }

    /// The pages of a controller with eight knobs.
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
                page.add_param(&self.line.loss);
                page.add_param(&self.line.burst);
                page.add_param(&self.line.fill);
                page.add_param(&self.line.freeze);
                page.add_param(&self.levels.input);
                page.add_spacer();
                page.add_param(&self.engine.late);
                page.add_param(&self.engine.mono);
            });
        });
    }
}

/// The scale of the model inside the program, known without loading it.
pub fn embedded_scale() -> Scale {
    let config = CodecConfig::parse(embedded().config).expect("the embedded model is sound");
    Scale::of(&config)
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
        assert_eq!(text(&|| params.line.burst.to_string()), "1 frame");
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
        assert_eq!(Listen::ids().unwrap(), ["dry", "a", "b", "a-b", "dry-a", "dry-b"]);
        assert_eq!(Fill::ids().unwrap(), ["repeat", "silence"]);
        assert_eq!(WhenLate::ids().unwrap(), ["dry", "hold", "silence"]);
        assert_eq!(Mono::ids().unwrap(), ["dual", "mid"]);
    }
}

//! Factory presets. They set lanes, listening source and transmission, never levels, bypass or model.
//!
//! Hosts cannot list them: nice-plug 0.4 supports neither CLAP's preset discovery nor VST3's program
//! lists.

use std::collections::BTreeMap;

use nice_plug::params::enums::Enum;
use nice_plug::plugin::{ParamValue, PluginState};

use crate::layer_bitrate::{LayerBitrate, MAX_LAYERS};
use crate::params::{ListenTo, LostFrameFill};

/// A depth that applies to every model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PresetDepth {
    /// All layers.
    Full,
    /// The depth whose bitrate is nearest to this one, in kilobits a second.
    Kbps(f32),
}

/// A named set of parameter values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// Name in the menu.
    pub name: &'static str,
    /// Description in one line: what to listen for.
    pub about: &'static str,
    /// Depths of lanes A and B.
    pub depths: [PresetDepth; 2],
    /// Listening source.
    pub listen: ListenTo,
    /// Matches the lanes' loudness to the dry lane.
    pub match_loudness: bool,
    /// Share of frames lost, in %.
    pub loss: f32,
    /// Mean number of frames lost in a row.
    pub burst: f32,
    /// Concealment of lost frames.
    pub fill: LostFrameFill,
    /// Repeats the codes of the last frame.
    pub freeze: bool,
}

/// The base of every preset: full depth, nothing lost.
const BASE: Preset = Preset {
    name: "",
    about: "",
    depths: [PresetDepth::Full, PresetDepth::Kbps(2.0)],
    listen: ListenTo::A,
    match_loudness: false,
    loss: 0.0,
    burst: 1.0,
    fill: LostFrameFill::Repeat,
    freeze: false,
};

/// The factory presets, in the order of the menu.
pub const PRESETS: [Preset; 9] = [
    Preset { name: "Full depth", about: "All layers: the best this model can do", ..BASE },
    Preset {
        name: "Dialogue 2 kbps",
        about: "Speech at the bitrate of a good vocoder; B is the best the model can do",
        depths: [PresetDepth::Kbps(2.0), PresetDepth::Full],
        match_loudness: true,
        ..BASE
    },
    Preset {
        name: "Telephone",
        about: "Hardly more than the words",
        depths: [PresetDepth::Kbps(0.5), PresetDepth::Kbps(2.0)],
        match_loudness: true,
        ..BASE
    },
    Preset {
        name: "Residual only",
        about: "What full depth leaves behind",
        listen: ListenTo::DryMinusA,
        ..BASE
    },
    Preset {
        name: "Residual of 1 kbps",
        about: "What 1 kbps leaves behind",
        depths: [PresetDepth::Kbps(1.0), PresetDepth::Full],
        listen: ListenTo::DryMinusA,
        ..BASE
    },
    Preset {
        name: "Upper layers",
        about: "What full depth adds to 1 kbps",
        depths: [PresetDepth::Full, PresetDepth::Kbps(1.0)],
        listen: ListenTo::AMinusB,
        ..BASE
    },
    Preset {
        name: "Lossy link",
        about: "One frame in ten is lost, by itself",
        depths: [PresetDepth::Kbps(4.0), PresetDepth::Full],
        loss: 10.0,
        ..BASE
    },
    Preset {
        name: "Tunnel",
        about: "A third of the frames is lost, in long silent bursts",
        depths: [PresetDepth::Kbps(2.0), PresetDepth::Full],
        loss: 33.0,
        burst: 12.0,
        fill: LostFrameFill::Silence,
        ..BASE
    },
    Preset { name: "Frozen", about: "One frame for ever", freeze: true, ..BASE },
];

impl Preset {
    /// Returns the depths of lanes A and B in a model, in layers.
    pub fn layers(&self, model: &LayerBitrate) -> [i32; 2] {
        self.depths.map(|depth| match depth {
            PresetDepth::Full => MAX_LAYERS,
            PresetDepth::Kbps(kbps) => model.depth(kbps * 1000.0) as i32,
        })
    }

    /// Returns the values of parameters by their ids, for a model.
    pub fn values(&self, model: &LayerBitrate) -> BTreeMap<String, ParamValue> {
        let [a, b] = self.layers(model);
        let id = |ids: Option<&[&str]>, index: usize| {
            ParamValue::String(ids.map_or("", |ids| ids[index]).to_owned())
        };
        [
            ("depa", ParamValue::I32(a)),
            ("depb", ParamValue::I32(b)),
            ("listen", id(ListenTo::ids(), self.listen.to_index())),
            ("swap", ParamValue::Bool(false)),
            ("mix", ParamValue::F32(100.0)),
            ("match", ParamValue::Bool(self.match_loudness)),
            ("loss", ParamValue::F32(self.loss)),
            ("burst", ParamValue::F32(self.burst)),
            ("fill", id(LostFrameFill::ids(), self.fill.to_index())),
            ("freeze", ParamValue::Bool(self.freeze)),
        ]
        .map(|(id, value)| (id.to_owned(), value))
        .into()
    }

    /// Overwrites the preset's parameters in a state, and leaves everything else.
    pub fn apply(&self, state: &mut PluginState, model: &LayerBitrate) {
        state.params.extend(self.values(model));
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::codec::CodecConfig;

    use super::*;
    use crate::state::prepare_state;

    #[test]
    fn presets_set_existing_parameters_within_their_ranges() {
        for config in [CodecConfig::v1(), CodecConfig::nano()] {
            let model = LayerBitrate::of(&config);
            for preset in &PRESETS {
                let mut state = PluginState {
                    version: String::new(),
                    params: BTreeMap::new(),
                    fields: BTreeMap::new(),
                };
                // A whole state has a model.
                state.fields.insert("model".to_owned(), "{}".to_owned());
                preset.apply(&mut state, &model);
                let before = serde_json::to_string(&state).unwrap();
                prepare_state(&mut state);
                assert_eq!(serde_json::to_string(&state).unwrap(), before, "{}", preset.name);
            }
        }
    }

    #[test]
    fn a_bitrate_means_the_same_in_every_model() {
        let telephone = PRESETS.iter().find(|preset| preset.name.starts_with("Telephone")).unwrap();
        let depth = |config: CodecConfig| {
            let values = telephone.values(&LayerBitrate::of(&config));
            serde_json::to_string(&values["depa"]).unwrap()
        };
        assert_eq!(depth(CodecConfig::v1()), r#"{"i32":4}"#);
        assert_eq!(depth(CodecConfig::nano()), r#"{"i32":4}"#);
    }

    #[test]
    fn names_differ() {
        let mut names = PRESETS.map(|preset| preset.name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

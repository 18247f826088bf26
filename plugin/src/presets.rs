//! Factory presets: what is heard, never levels, bypass or model.
//!
//! Hosts cannot list them: nice-plug 0.4 offers neither the preset discovery of CLAP nor the program lists
//! of VST3.

use std::collections::BTreeMap;

use nice_plug::params::enums::Enum;
use nice_plug::plugin::{ParamValue, PluginState};

use crate::depth::{MOST_LAYERS, Scale};
use crate::params::{Fill, Listen};

/// A depth that means the same in every model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Depth {
    /// All layers.
    Full,
    /// As near as the model has it to so many kilobits a second.
    Kbps(f32),
}

/// A named setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What to listen for, in one line.
    pub about: &'static str,
    /// Lanes A and B.
    pub depths: [Depth; 2],
    /// What is heard.
    pub listen: Listen,
    /// Lanes are brought to the dry lane's loudness.
    pub match_loudness: bool,
    /// Frames lost, in %.
    pub loss: f32,
    /// Mean frames lost in a row.
    pub burst: f32,
    /// What stands in for them.
    pub fill: Fill,
    /// The last frame goes on.
    pub freeze: bool,
}

/// What a preset does unless it says otherwise.
const PLAIN: Preset = Preset {
    name: "",
    about: "",
    depths: [Depth::Full, Depth::Kbps(2.0)],
    listen: Listen::A,
    match_loudness: false,
    loss: 0.0,
    burst: 1.0,
    fill: Fill::Repeat,
    freeze: false,
};

/// All of them.
pub const PRESETS: [Preset; 9] = [
    Preset { name: "Full depth", about: "All layers: the best this model can do", ..PLAIN },
    Preset {
        name: "Dialogue 2 kbps",
        about: "Speech at the bitrate of a good vocoder; B is the best the model can do",
        depths: [Depth::Kbps(2.0), Depth::Full],
        match_loudness: true,
        ..PLAIN
    },
    Preset {
        name: "Telephone",
        about: "Hardly more than the words",
        depths: [Depth::Kbps(0.5), Depth::Kbps(2.0)],
        match_loudness: true,
        ..PLAIN
    },
    Preset {
        name: "Residual only",
        about: "What full depth leaves behind",
        listen: Listen::DryMinusA,
        ..PLAIN
    },
    Preset {
        name: "Residual of 1 kbps",
        about: "What 1 kbps leaves behind",
        depths: [Depth::Kbps(1.0), Depth::Full],
        listen: Listen::DryMinusA,
        ..PLAIN
    },
    Preset {
        name: "Upper layers",
        about: "What full depth adds to 1 kbps",
        depths: [Depth::Full, Depth::Kbps(1.0)],
        listen: Listen::AMinusB,
        ..PLAIN
    },
    Preset {
        name: "Lossy link",
        about: "One frame in ten is lost, by itself",
        depths: [Depth::Kbps(4.0), Depth::Full],
        loss: 10.0,
        ..PLAIN
    },
    Preset {
        name: "Tunnel",
        about: "A third of the frames is lost, in long silent bursts",
        depths: [Depth::Kbps(2.0), Depth::Full],
        loss: 33.0,
        burst: 12.0,
        fill: Fill::Silence,
        ..PLAIN
    },
    Preset { name: "Frozen", about: "One frame for ever", freeze: true, ..PLAIN },
];

impl Preset {
    /// Layers of lanes A and B in the model that `scale` describes.
    pub fn layers(&self, scale: &Scale) -> [i32; 2] {
        self.depths.map(|depth| match depth {
            Depth::Full => MOST_LAYERS,
            Depth::Kbps(kbps) => scale.depth(kbps * 1000.0) as i32,
        })
    }

    /// The preset as values of parameters by their ids, for the model that `scale` describes.
    pub fn values(&self, scale: &Scale) -> BTreeMap<String, ParamValue> {
        let [a, b] = self.layers(scale);
        let id = |ids: Option<&[&str]>, index: usize| {
            ParamValue::String(ids.map_or("", |ids| ids[index]).to_owned())
        };
        [
            ("depa", ParamValue::I32(a)),
            ("depb", ParamValue::I32(b)),
            ("listen", id(Listen::ids(), self.listen.to_index())),
            ("swap", ParamValue::Bool(false)),
            ("mix", ParamValue::F32(100.0)),
            ("match", ParamValue::Bool(self.match_loudness)),
            ("loss", ParamValue::F32(self.loss)),
            ("burst", ParamValue::F32(self.burst)),
            ("fill", id(Fill::ids(), self.fill.to_index())),
            ("freeze", ParamValue::Bool(self.freeze)),
        ]
        .map(|(id, value)| (id.to_owned(), value))
        .into()
    }

    /// Puts the preset over a state; everything that it does not speak of stays.
    pub fn apply(&self, state: &mut PluginState, scale: &Scale) {
        state.params.extend(self.values(scale));
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::codec::CodecConfig;

    use super::*;
    use crate::state::repair;

    #[test]
    fn presets_speak_of_parameters_that_exist_within_their_ranges() {
        for config in [CodecConfig::v1(), CodecConfig::nano()] {
            let scale = Scale::of(&config);
            for preset in &PRESETS {
                let mut state = PluginState {
                    version: String::new(),
                    params: BTreeMap::new(),
                    fields: BTreeMap::new(),
                };
                preset.apply(&mut state, &scale);
                let before = serde_json::to_string(&state).unwrap();
                repair(&mut state);
                assert_eq!(serde_json::to_string(&state).unwrap(), before, "{}", preset.name);
            }
        }
    }

    #[test]
    fn a_bitrate_means_the_same_in_every_model() {
        let telephone = PRESETS.iter().find(|preset| preset.name.starts_with("Telephone")).unwrap();
        let depth = |config: CodecConfig| {
            let values = telephone.values(&Scale::of(&config));
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

//! The published models, and what is known of them without downloading anything.

use residue_codec::CodecConfig;

/// Name of the model that is part of the program.
pub const EMBEDDED: &str = "embedded";

/// A published model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownModel {
    /// The name users type.
    pub name: &'static str,
    /// Other names that mean the same, compared without regard to case.
    pub aliases: &'static [&'static str],
    /// The repository on the hub, `owner/name`.
    pub repository: &'static str,
    /// Sample rate in hertz.
    pub rate: u32,
    /// Audio channels.
    pub channels: usize,
    /// Quantizer layers, the greatest depth.
    pub layers: usize,
    /// Numbers in the model.
    pub parameters: u64,
    /// The revision that is downloaded, with the sums of its files; `None` if no sums are known: then the present
    /// revision is downloaded, and checked by the sums that the hub publishes.
    pub pinned: Option<PinnedRevision>,
}

/// A commit of a repository, with the sums of its files built into this program, so that neither the hub nor
/// anyone between can exchange them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinnedRevision {
    /// The commit, in hexadecimal.
    pub commit: &'static str,
    /// All files that a model of this repository consists of.
    pub files: &'static [PinnedFile],
}

/// A file of a pinned revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinnedFile {
    /// Name in the repository.
    pub name: &'static str,
    /// SHA-256, in lowercase hexadecimal.
    pub sha256: &'static str,
}

impl PinnedRevision {
    /// Returns the SHA-256 of a file; `None` if the model has no such file.
    pub fn sha256(&self, name: &str) -> Option<&'static str> {
        self.files.iter().find(|file| file.name == name).map(|file| file.sha256)
    }
}

impl KnownModel {
    /// Size of the weights in 32-bit floats, which is how they are published, in bytes. Realtime-safe.
    pub const fn f32_bytes(&self) -> u64 {
        self.parameters * 4
    }

    /// Returns the configuration of its layout, which its speed follows from.
    pub fn layout(&self) -> Option<CodecConfig> {
        match self.name {
            "nano" => Some(CodecConfig::nano()),
            "v1" => Some(CodecConfig::v1()),
            "v2" => Some(CodecConfig::v2()),
            _ => None,
        }
    }

    /// The model with this name, alias or repository, without regard to case.
    pub fn find(name: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|model| {
            [model.name, model.repository]
                .iter()
                .chain(model.aliases)
                .any(|known| known.eq_ignore_ascii_case(name))
        })
    }

    /// All names, separated by commas, for messages.
    pub(super) fn names() -> String {
        KNOWN.map(|model| model.name).join(", ")
    }
}

const fn pinned(name: &'static str, sha256: &'static str) -> PinnedFile {
    PinnedFile { name, sha256 }
}

/// Source: the hub's metadata of the repository at this commit, as several public projects record it that pin
/// the model by it.
const V1_PIN: PinnedRevision = PinnedRevision {
    commit: "3cd226ba2947efa357ef453bcad111b6eafba782",
    files: &[
        pinned("config.json", "0f669e288d39c9c0ffae4e39babe5167b57e89d3132f0785655d1096a8da8e45"),
        pinned(
            "model.safetensors.index.json",
            "e107e83fee64adc3ccdb993975290cecb00fcf7d72cdaa388011abad16bcc82d",
        ),
        pinned(
            "model-00001-of-00002.safetensors",
            "037f441ed30a0ab59f6049de83b824a1b3bd6feb7dbd46c3fbca41fc2f649f28",
        ),
        pinned(
            "model-00002-of-00002.safetensors",
            "a187d73d2cda1c2d0676586d9d03c09c0a5813450266af32029c871493fc9582",
        ),
    ],
};

/// Source: as of v1.
const V2_PIN: PinnedRevision = PinnedRevision {
    commit: "f6e20e543b33d2c252a7ef71bdf8aa71e5ff9169",
    files: &[
        pinned("config.json", "aeb9a0e9d88c74bf9fbaa81ee54443d463e09b5f335b3306bb798e282a10e564"),
        pinned(
            "model.safetensors.index.json",
            "912f52f053e04ff7e9abc8f05aa75dfbb40b31c86a0f4ad5c5a36e4aa28a624f",
        ),
        pinned(
            "model-00001-of-00003.safetensors",
            "2d9f9182f17b143a23937feb87c63c08221bd28e685e4bc2fa55dcdce17fcde7",
        ),
        pinned(
            "model-00002-of-00003.safetensors",
            "d4e48106d0254fe3b00ea0707e88fc6aee076993825e108dd9cef847f9db236e",
        ),
        pinned(
            "model-00003-of-00003.safetensors",
            "d0449fe1b0ef1f6045946867148d8166b9a91a58d0feca4a18b641494d0b22da",
        ),
    ],
};

/// The published models, smallest first.
pub const KNOWN: [KnownModel; 3] = [
    KnownModel {
        name: "nano",
        aliases: &["MOSS-Audio-Tokenizer-Nano"],
        repository: "OpenMOSS-Team/MOSS-Audio-Tokenizer-Nano",
        rate: 48_000,
        channels: 2,
        layers: 16,
        parameters: 21_969_664,
        pinned: None,
    },
    KnownModel {
        name: "v1",
        aliases: &["MOSS-Audio-Tokenizer", "MOSS-Audio-Tokenizer-v1"],
        repository: "OpenMOSS-Team/MOSS-Audio-Tokenizer",
        rate: 24_000,
        channels: 1,
        layers: 32,
        parameters: 1_774_566_400,
        pinned: Some(V1_PIN),
    },
    KnownModel {
        name: "v2",
        aliases: &["MOSS-Audio-Tokenizer-v2"],
        repository: "OpenMOSS-Team/MOSS-Audio-Tokenizer-v2",
        rate: 48_000,
        channels: 2,
        layers: 32,
        parameters: 2_123_701_248,
        pinned: Some(V2_PIN),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_finds_its_model_and_no_other() {
        for (spelling, name) in [
            ("nano", "nano"),
            ("NANO", "nano"),
            ("v1", "v1"),
            ("moss-audio-tokenizer", "v1"),
            ("OpenMOSS-Team/MOSS-Audio-Tokenizer-v2", "v2"),
        ] {
            assert_eq!(KnownModel::find(spelling).map(|m| m.name), Some(name), "{spelling}");
        }
        assert_eq!(KnownModel::find("v3"), None);
        assert_eq!(KnownModel::find(""), None);
    }

    #[test]
    fn no_name_stands_for_two_models() {
        let mut names: Vec<String> = KNOWN
            .iter()
            .flat_map(|m| m.aliases.iter().copied().chain([m.name, m.repository]))
            .map(str::to_ascii_lowercase)
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn pinned_sums_are_sums() {
        for pin in KNOWN.iter().filter_map(|model| model.pinned) {
            assert_eq!(pin.commit.len(), 40);
            assert!(pin.files.iter().all(|file| super::super::hub_cache::is_sha256(file.sha256)));
            assert!(pin.sha256("config.json").is_some() && pin.sha256("other").is_none());
        }
    }

    #[test]
    fn layouts_are_those_of_the_models() {
        for model in &KNOWN {
            let layout = model.layout().unwrap();
            assert_eq!(layout.parameters(), model.parameters, "{}", model.name);
            assert_eq!((layout.sample_rate, layout.channels), (model.rate, model.channels));
            assert_eq!(layout.quantizer.layers, model.layers);
        }
    }

    #[test]
    fn sizes_are_those_published() {
        assert_eq!(KnownModel::find("nano").unwrap().f32_bytes(), 87_878_656);
        assert_eq!(KnownModel::find("v1").unwrap().f32_bytes(), 7_098_265_600);
    }
}

//! The published models, and what is known of them without downloading anything.

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
}

impl KnownModel {
    /// Size of the weights in 32-bit floats, which is how they are published, in bytes. Realtime-safe.
    pub const fn f32_bytes(&self) -> u64 {
        self.parameters * 4
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
    },
    KnownModel {
        name: "v1",
        aliases: &["MOSS-Audio-Tokenizer", "MOSS-Audio-Tokenizer-v1"],
        repository: "OpenMOSS-Team/MOSS-Audio-Tokenizer",
        rate: 24_000,
        channels: 1,
        layers: 32,
        parameters: 1_774_566_400,
    },
    KnownModel {
        name: "v2",
        aliases: &["MOSS-Audio-Tokenizer-v2"],
        repository: "OpenMOSS-Team/MOSS-Audio-Tokenizer-v2",
        rate: 48_000,
        channels: 2,
        layers: 32,
        parameters: 2_123_701_248,
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
    fn sizes_are_those_published() {
        assert_eq!(KnownModel::find("nano").unwrap().f32_bytes(), 87_878_656);
        assert_eq!(KnownModel::find("v1").unwrap().f32_bytes(), 7_098_265_600);
    }
}

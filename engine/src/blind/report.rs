//! What remains of a test: a file for a machine, and one for a person.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::abx::AbxResult;
use super::rating::Scored;
use super::staircase::StaircaseResult;
use crate::audio::Audio;

/// Something that was compared, pinned down so that it can be told from anything else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// What it is, for a person: "depth 8 of embedded, f32".
    pub name: String,
    /// SHA-256 of its samples: the rate as 4 bytes, then each channel's samples in turn as 32-bit
    /// floats, all little-endian; in hexadecimal.
    pub sha256: String,
    /// Gain that was applied to match levels, in dB.
    pub gain_db: f64,
}

impl Compared {
    /// Describes audio as it was played, before the gain.
    pub fn new(name: impl Into<String>, audio: &Audio, gain_db: f64) -> Self {
        let mut hash = Sha256::new();
        hash.update(audio.rate.to_le_bytes());
        for sample in audio.channels.iter().flatten() {
            hash.update(sample.to_le_bytes());
        }
        let sha256 = crate::hex(&hash.finalize());
        Self { name: name.into(), sha256, gain_db }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "test", rename_all = "snake_case")]
pub enum Findings {
    /// Of an ABX test.
    Abx(AbxResult),
    /// Of a staircase.
    Staircase(StaircaseResult),
    /// Of a rating; whether the hidden reference was heard.
    Rating {
        /// By name, best first.
        scores: Vec<Scored>,
        /// Scored 90 or more.
        heard_reference: bool,
    },
}

/// A finished test. Only results make one, and tests give none before they are over, so that no
/// report can tell an answer early.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The program that made it, with its version.
    pub made_by: String,
    /// What was compared.
    pub compared: Vec<Compared>,
    /// What was found.
    pub findings: Findings,
}

impl Report {
    /// A report of these findings.
    pub fn new(compared: Vec<Compared>, findings: Findings) -> Self {
        let made_by = concat!("residue ", env!("CARGO_PKG_VERSION")).into();
        Self { made_by, compared, findings }
    }

    /// For a machine.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data has a JSON form")
    }

    /// For a person.
    pub fn to_text(&self) -> String {
        let mut text = match &self.findings {
            Findings::Abx(result) => result.sentence() + "\n",
            Findings::Staircase(result) => result.sentence() + "\n",
            Findings::Rating { scores, heard_reference } => {
                let mut text = String::new();
                for scored in scores {
                    let _ = writeln!(text, "{:>3}  {}", scored.score, scored.name);
                }
                if !heard_reference {
                    text += "The hidden reference scored below 90: this listener did not tell it from the others.\n";
                }
                text
            }
        };
        text += "\nCompared:\n";
        for compared in &self.compared {
            let Compared { name, sha256, gain_db } = compared;
            let _ = writeln!(text, "  {name}, {gain_db:+.2} dB, SHA-256 {sha256}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::Abx;
    use super::super::draw::SeededDraw;
    use super::*;

    #[test]
    fn a_report_pins_down_what_was_compared() {
        let mut test = Abx::new(5, Box::new(SeededDraw(1))).unwrap();
        (0..5).for_each(|_| test.answer(test.x()).unwrap());
        let audio = Audio { rate: 24_000, channels: vec![vec![0.0, 0.5, -1.0]] };
        let compared = vec![
            Compared::new("original", &audio, 0.0),
            Compared::new("depth 2", &Audio { rate: 48_000, ..audio.clone() }, 6.02),
        ];
        assert_ne!(compared[0].sha256, compared[1].sha256);
        let report = Report::new(compared, Findings::Abx(test.result().unwrap()));
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["findings"]["test"], "abx");
        assert_eq!(json["findings"]["right"], 5);
        assert_eq!(json["findings"]["answers"].as_array().unwrap().len(), 5);
        // printf '\xc0\x5d\0\0\0\0\0\0\0\0\0\x3f\0\0\x80\xbf' | sha256sum
        assert_eq!(json["compared"][0]["sha256"], HASH);
        let text = report.to_text();
        assert!(text.starts_with("5 of 5 right: a difference was heard."), "{text}");
        assert!(text.contains("depth 2, +6.02 dB, SHA-256"));
    }

    const HASH: &str = "5b18e7aa85fbc8df09ca6824b4bed30d7e139828ce9d336e73964b5cea88f310";
}

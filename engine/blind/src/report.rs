//! Reports of finished tests, as JSON and as text.

use std::fmt::Write as _;
use std::time::SystemTime;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::abx::AbxResult;
use super::rating::StimulusScore;
use super::staircase::{StaircaseResult, Threshold};
use super::utc::utc;
use residue_core::audio::Audio;

/// Returns the SHA-256 of samples in lowercase hexadecimal: of the rate as u32, then of each channel's samples in
/// turn as f32, all little-endian. Allocates; not realtime-safe.
pub fn samples_sha256(audio: &Audio) -> String {
    let mut hash = Sha256::new();
    hash.update(audio.rate.to_le_bytes());
    for sample in audio.channels.iter().flatten() {
        hash.update(sample.to_le_bytes());
    }
    residue_core::hex(&hash.finalize())
}

/// A stimulus that was compared, identified by its hash.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedStimulus {
    /// Description, such as "depth 8 of embedded, f32".
    pub name: String,
    /// [`samples_sha256`] before the gain.
    pub sha256: String,
    /// Integrated loudness before the gain, in LUFS; `None` for silence.
    pub loudness_lufs: Option<f64>,
    /// Gain applied to match levels, in dB.
    pub gain_db: f64,
}

/// The passage of a file that all stimuli were made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Passage {
    /// Name of the file.
    pub file: String,
    /// SHA-256 of the file's bytes, in lowercase hexadecimal.
    pub file_sha256: String,
    /// Sample rate of the file in hertz.
    pub rate: u32,
    /// Channels of the file.
    pub channels: usize,
    /// First sample of the passage in the file.
    pub first_sample: usize,
    /// Length of the passage, in samples of a channel.
    pub samples: usize,
    /// [`samples_sha256`] of the passage at the file's rate.
    pub sha256: String,
}

/// A model that stimuli were made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedModel {
    /// Name of the model.
    pub name: String,
    /// Precision of the model.
    pub precision: String,
    /// Checksum of the model's files in hexadecimal, as `residue_models::model_checksum` computes it.
    pub sha256: String,
}

/// The stimuli of a test and how they were played.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListeningConditions {
    /// Source of the stimuli.
    pub passage: Passage,
    /// Sample rate of the playback, in hertz.
    pub played_rate: u32,
    /// True if levels were matched by loudness. Gains that only avoid clipping are the same for all stimuli.
    pub level_matched: bool,
    /// Models of the stimuli.
    pub models: Vec<ReportedModel>,
    /// The stimuli.
    pub compared: Vec<ComparedStimulus>,
}

/// The result of a test.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "test", rename_all = "snake_case")]
pub enum TestResult {
    /// Result of an ABX test.
    Abx(AbxResult),
    /// Result of a staircase.
    Staircase(StaircaseResult),
    /// Result of a rating test.
    Rating {
        /// Scores by name, best first.
        scores: Vec<StimulusScore>,
        /// True if the hidden reference scored 90 or more.
        heard_reference: bool,
    },
}

impl TestResult {
    /// Returns the result as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Abx(result) => result.sentence(),
            Self::Staircase(result) => result.sentence(),
            Self::Rating { heard_reference: true, .. } => {
                "The hidden reference scored 90 or more: it was heard as such.".into()
            }
            Self::Rating { .. } => "The hidden reference scored below 90: this listener did not tell it from the others, so the scores say little.".into(),
        }
    }
}

/// The report of a finished test. It requires a result, which tests return only once they are over, so that no
/// report reveals an assignment early.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BlindTestReport {
    /// Program that wrote the report, with its version.
    pub made_by: String,
    /// Time of the report, ISO 8601 in UTC.
    pub finished: String,
    /// The result as a sentence.
    pub result: String,
    /// The result in numbers.
    pub findings: TestResult,
    /// Stimuli and playback.
    #[serde(flatten)]
    pub conditions: ListeningConditions,
}

impl BlindTestReport {
    /// Returns a report with the current time.
    pub fn new(conditions: ListeningConditions, findings: TestResult) -> Self {
        let made_by = concat!("residue ", env!("CARGO_PKG_VERSION")).into();
        let (finished, result) = (utc(SystemTime::now()), findings.sentence());
        Self { made_by, finished, result, findings, conditions }
    }

    /// Returns the report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data has a JSON form")
    }

    /// Returns the report as text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.result);
        self.write_findings(&mut text);
        let ListeningConditions { passage, played_rate, level_matched, models, compared } =
            &self.conditions;
        let seconds = |samples: usize| samples as f64 / f64::from(passage.rate);
        let _ = writeln!(
            text,
            "\nPassage: {}, {:.3} s from {:.3} s on ({} Hz, {} channels)",
            passage.file,
            seconds(passage.samples),
            seconds(passage.first_sample),
            passage.rate,
            passage.channels,
        );
        let _ = writeln!(text, "  file    SHA-256 {}", passage.file_sha256);
        let _ = writeln!(text, "  samples SHA-256 {}", passage.sha256);
        let matched = if *level_matched { "matched in loudness" } else { "levels as they are" };
        let _ = writeln!(text, "\nCompared, at {played_rate} Hz, {matched}:");
        for ComparedStimulus { name, sha256, loudness_lufs, gain_db } in compared {
            let lufs = loudness_lufs.map_or("silent".into(), |lufs| format!("{lufs:.1} LUFS"));
            let _ = writeln!(text, "  {name}: {lufs}, gain {gain_db:+.2} dB, SHA-256 {sha256}");
        }
        if !models.is_empty() {
            text += "\nModels:\n";
        }
        for ReportedModel { name, precision, sha256 } in models {
            let _ = writeln!(text, "  {name} in {precision}, SHA-256 {sha256}");
        }
        let _ = writeln!(text, "\n{}, {}", self.made_by, self.finished);
        text
    }

    fn write_findings(&self, text: &mut String) {
        let mark = |right: bool| if right { "right" } else { "wrong" };
        match &self.findings {
            TestResult::Abx(result) => {
                text.push('\n');
                for (n, (x, answer)) in result.answers.iter().enumerate() {
                    let right = mark(x == answer);
                    let _ =
                        writeln!(text, "  {:>3}  X was {x:?}, answer {answer:?}: {right}", n + 1);
                }
            }
            TestResult::Staircase(result) => {
                if let Threshold::Depth(depth) = result.threshold {
                    let _ = writeln!(text, "\nThreshold: {depth:.2} layers\n");
                } else {
                    text.push('\n');
                }
                for (n, (depth, right)) in result.trials.iter().enumerate() {
                    let _ = writeln!(text, "  {:>3}  depth {depth:>2}: {}", n + 1, mark(*right));
                }
            }
            TestResult::Rating { scores, .. } => {
                text.push('\n');
                for scored in scores {
                    let _ = writeln!(text, "  {:>3}  {}", scored.score, scored.name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_source::SeededRandom;
    use super::super::{AbxSide, AbxTest, RatingTest, Staircase};
    use super::*;

    fn conditions() -> ListeningConditions {
        let audio = Audio::new(24_000, vec![vec![0.0, 0.5, -1.0]]);
        let other = Audio { rate: 48_000, ..audio.clone() };
        let compared = |name: &str, audio: &Audio, gain_db| ComparedStimulus {
            name: name.into(),
            sha256: samples_sha256(audio),
            loudness_lufs: Some(-20.0),
            gain_db,
        };
        ListeningConditions {
            passage: Passage {
                file: "speech.flac".into(),
                file_sha256: "0f".into(),
                rate: 24_000,
                channels: 1,
                first_sample: 12_000,
                samples: 36_000,
                sha256: samples_sha256(&audio),
            },
            played_rate: 48_000,
            level_matched: true,
            models: vec![ReportedModel {
                name: "embedded".into(),
                precision: "f32".into(),
                sha256: "ab".into(),
            }],
            compared: vec![compared("original", &audio, 0.0), compared("depth 2", &other, 6.02)],
        }
    }

    #[test]
    fn a_report_identifies_the_stimuli() {
        let mut test = AbxTest::new(5, Box::new(SeededRandom(1))).unwrap();
        (0..5).for_each(|_| test.answer(test.x()).unwrap());
        let report = BlindTestReport::new(conditions(), TestResult::Abx(test.result().unwrap()));
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["findings"]["test"], "abx");
        assert_eq!(json["findings"]["right"], 5);
        assert!((json["findings"]["p"].as_f64().unwrap() - 0.03125).abs() < 1e-12);
        assert_eq!(json["findings"]["answers"].as_array().unwrap().len(), 5);
        // printf '\xc0\x5d\0\0\0\0\0\0\0\0\0\x3f\0\0\x80\xbf' | sha256sum
        assert_eq!(json["compared"][0]["sha256"], HASH);
        assert_eq!(json["passage"]["sha256"], HASH);
        assert_ne!(json["compared"][1]["sha256"], HASH);
        assert_eq!(json["models"][0]["precision"], "f32");
        let text = report.to_text();
        assert!(text.starts_with("5 of 5 right: a difference was heard."), "{text}");
        assert!(text.contains("depth 2: -20.0 LUFS, gain +6.02 dB, SHA-256"), "{text}");
        assert!(text.contains("speech.flac, 1.500 s from 0.500 s on"), "{text}");
        assert_eq!(text.matches(": right").count(), 5, "{text}");
    }

    #[test]
    fn every_test_has_a_sentence_and_its_trials() {
        let mut test = Staircase::new(4, Box::new(SeededRandom(1))).unwrap();
        while test.result().is_none() {
            test.answer(test.x()).unwrap();
        }
        let result = test.result().unwrap();
        let trials = result.trials.len();
        let text = BlindTestReport::new(conditions(), TestResult::Staircase(result)).to_text();
        assert!(text.contains("heard even at full depth"), "{text}");
        assert_eq!(text.matches(": right").count(), trials, "{text}");

        let names = ["reference", "depth 1"].map(String::from).to_vec();
        let mut test = RatingTest::new(names, 0, &mut SeededRandom(3)).unwrap();
        (0..2).for_each(|n| test.rate(n, [95, 20][test.stimulus(n)]).unwrap());
        test.close().unwrap();
        let findings = TestResult::Rating {
            scores: test.result().unwrap(),
            heard_reference: test.heard_reference().unwrap(),
        };
        let text = BlindTestReport::new(conditions(), findings).to_text();
        assert!(text.contains("heard as such"), "{text}");
        assert!(text.contains("   95  reference\n   20  depth 1\n"), "{text}");
        assert_eq!(format!("{:?}", AbxSide::A), "A", "the text form of an answer");
    }

    const HASH: &str = "5b18e7aa85fbc8df09ca6824b4bed30d7e139828ce9d336e73964b5cea88f310";
}

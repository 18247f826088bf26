//! The folder of a comparison: the files of this run, and those of the last.
//!
//! `report.json` lists the files that a run wrote. A later run into the same folder replaces them and removes those
//! that it does not write. Files of such a name that no report lists are someone's own: the run is refused.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use residue_engine::codec_at_rate::CodecAtRate;
use residue_engine::output_file::OutputFile;
use serde_json::Value;

use super::output;
use crate::terminal::name;

/// Names of the files besides one WAV a depth.
pub const ORIGINAL: &str = "original.wav";
pub const PICTURE: &str = "comparison.png";
pub const PLOT: &str = "bitrate.png";
pub const REPORT: &str = "report.json";

/// The start of the names of codecs' WAVs.
const CODEC_PREFIX: &str = "with-";

/// Returns the name of a depth's WAV.
pub fn depth_wav(depth: usize) -> String {
    format!("depth-{depth:02}.wav")
}

/// Returns the name of the WAV of the `number`th codec, from 1, that was compared with others.
pub fn codec_wav(number: usize, codec: &CodecAtRate) -> String {
    // A model may be a folder, and a colon is not for file names everywhere.
    let text = codec.to_string();
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = last.chars().map(plain).take(60).collect();
    format!("{CODEC_PREFIX}{number:02}-{name}.wav")
}

/// A folder that takes the files of a run.
pub struct ComparisonFolder {
    folder: PathBuf,
    /// Whether the folder was made for this run.
    is_new: bool,
    /// Names that the last run wrote.
    last: BTreeSet<String>,
    /// Files of this run, which get their names together.
    files: Vec<(String, OutputFile)>,
}

impl ComparisonFolder {
    /// Opens a folder, which is made if it is not there, for a run that reads `input`.
    ///
    /// # Errors
    /// If the folder cannot be made or written to, or holds files that the run would replace and that are not the
    /// last run's.
    pub fn open(folder: &Path, input: &Path) -> Result<Self> {
        let is_new = !folder.exists();
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", name(folder)))?;
        let last = listed(&folder.join(REPORT));
        let entries =
            fs::read_dir(folder).with_context(|| format!("cannot read {}", name(folder)))?;
        for entry in entries.flatten() {
            let Some(found) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if !is_of_a_run(&found) {
                continue;
            }
            output::refuse_input(&entry.path(), input)?;
            ensure!(
                last.contains(&found),
                "{} holds {found}, which is not of a comparison that its {REPORT} lists; move it, or choose another folder with --output",
                name(folder)
            );
        }
        let mut this = Self { folder: folder.to_owned(), is_new, last, files: Vec::new() };
        // A folder that takes no files is told now, not after the model was loaded.
        for file in [ORIGINAL, PICTURE, PLOT, REPORT] {
            this.create(file, 0)?;
        }
        Ok(this)
    }

    /// Returns the path of a file of this run.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Makes a file of this run, which gets its name with [`commit`](Self::commit), if `bytes` bytes have room.
    pub fn create(&mut self, file: &str, bytes: u64) -> Result<()> {
        let path = self.path(file);
        let output = OutputFile::create(&path)
            .and_then(|output| output.expect(bytes).map(|()| output))
            .map_err(|error| output::failed(&path, &error))?;
        self.files.push((file.to_owned(), output));
        Ok(())
    }

    /// Fills the file with `fill`.
    pub fn fill(
        &self,
        file: &str,
        fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        let (_, output) =
            self.files.iter().find(|(name, _)| name == file).context("no such file")?;
        let mut writer = std::io::BufWriter::new(output.file());
        fill(&mut writer)
            .and_then(|()| writer.flush())
            .map_err(|error| output::failed(&self.path(file), &error))
    }

    /// Gives the files their names, the report first, and removes those that only the last run wrote.
    pub fn commit(mut self) -> Result<()> {
        let written: BTreeSet<&str> = self.files.iter().map(|(file, _)| file.as_str()).collect();
        for stale in self.last.iter().filter(|file| !written.contains(file.as_str())) {
            let path = self.folder.join(stale);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", name(&path)));
                }
                _ => {}
            }
        }
        let (report, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.files).into_iter().partition(|(file, _)| file == REPORT);
        for (file, output) in report.into_iter().chain(others) {
            let path = self.folder.join(&file);
            output.commit().map_err(|error| output::failed(&path, &error))?;
        }
        Ok(())
    }
}

impl Drop for ComparisonFolder {
    fn drop(&mut self) {
        self.files.clear();
        if self.is_new {
            // Fails where the run succeeded, since the folder is not empty then.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Returns true for the names that runs give.
fn is_of_a_run(file: &str) -> bool {
    let depth = file.strip_prefix("depth-").and_then(|rest| rest.strip_suffix(".wav"));
    let is_depth = depth
        .is_some_and(|depth| depth.len() >= 2 && depth.bytes().all(|byte| byte.is_ascii_digit()));
    // `with-`, two digits or more, and a name.
    let codec = file.strip_prefix(CODEC_PREFIX).and_then(|rest| rest.strip_suffix(".wav"));
    let is_codec = codec.and_then(|rest| rest.split_once('-')).is_some_and(|(number, name)| {
        number.len() >= 2 && number.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()
    });
    is_depth || is_codec || [ORIGINAL, PICTURE, PLOT, REPORT].contains(&file)
}

/// Returns the names of the files that a report lists, with its own; none where there is no report of a comparison.
fn listed(report: &Path) -> BTreeSet<String> {
    let read = fs::read(report).ok();
    let Some(report) = read.and_then(|json| serde_json::from_slice::<Value>(&json).ok()) else {
        return BTreeSet::new();
    };
    let Some(depths) = report["depths"].as_array() else { return BTreeSet::new() };
    let codecs = report["with"].as_array().map_or(&[][..], Vec::as_slice);
    let paths = depths.iter().chain(codecs).map(|row| &row["wav"]);
    let paths = paths.chain([&report["original"], &report["picture"], &report["plot"]]);
    // Only names: a report must not lead out of its folder.
    let names = paths.filter_map(|path| {
        let path = path.as_str().or_else(|| path["text"].as_str())?;
        let file = Path::new(path).file_name()?.to_str()?;
        is_of_a_run(file).then(|| file.to_owned())
    });
    names.chain([REPORT.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_lists_names_of_runs_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(REPORT);
        let list = |report: Value| {
            fs::write(&path, report.to_string()).unwrap();
            listed(&path).into_iter().collect::<Vec<_>>()
        };
        let report = json!({
            "original": "out/original.wav",
            "picture": { "text": "o\u{fffd}t/comparison.png", "bytes": [111, 255] },
            "depths": [{ "wav": "out/depth-04.wav" }, { "wav": "/etc/passwd" }, { "wav": 5 }],
            "with": [{ "wav": "out/with-01-opus-12.wav" }],
            "plot": "out/bitrate.png",
        });
        let expected = [PLOT, PICTURE, "depth-04.wav", ORIGINAL, REPORT, "with-01-opus-12.wav"];
        assert_eq!(list(report), expected);
        assert!(list(json!({ "another": "report" })).is_empty());
        assert!(listed(&folder.path().join("none")).is_empty());
    }

    #[test]
    fn names_of_runs_are_known() {
        for file in [
            "original.wav",
            "comparison.png",
            "bitrate.png",
            "report.json",
            "depth-01.wav",
            "depth-128.wav",
        ]
        .into_iter()
        .chain(["with-01-opus-12.wav", "with-16-embedded-16-int8.wav"])
        {
            assert!(is_of_a_run(file), "{file}");
        }
        for file in ["depth-1.wav", "depth-.wav", "depth-xx.wav", "depth-01.flac", "song.wav"]
            .into_iter()
            .chain([
                "with-1-opus-12.wav",
                "with-01-.wav",
                "with-01.wav",
                "with-me.wav",
                "with-ab-c.wav",
            ])
        {
            assert!(!is_of_a_run(file), "{file}");
        }
    }

    #[test]
    fn wavs_of_codecs_have_plain_names() {
        for (codec, expected) in [
            ("opus:12", "with-03-opus-12.wav"),
            ("embedded:16@int8", "with-03-embedded-16-int8.wav"),
            ("v2:0.5kbps", "with-03-v2-0.5kbps.wav"),
            ("/models/mine ü:8", "with-03-mine---8.wav"),
            ("alaw", "with-03-alaw.wav"),
        ] {
            let name = codec_wav(3, &codec.parse().unwrap());
            assert_eq!(name, expected);
            assert!(is_of_a_run(&name));
        }
    }
}

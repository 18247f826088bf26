//! A finished test as files.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use residue_engine::blind::BlindTestReport;

use super::BlindError;

/// The two files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// For a machine.
    pub json: PathBuf,
    /// For a person.
    pub text: PathBuf,
}

/// Writes a report into `folder`, which is made if it is not there: `blind-DATE-TIME.json` and
/// `.txt`. Files that are there already are never overwritten: a number is added.
///
/// # Errors
/// [`BlindError::Write`].
pub fn export(report: &BlindTestReport, folder: &Path) -> Result<Exported, BlindError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BlindError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    // Colons are not for file names everywhere.
    let stem = format!("blind-{}", report.finished.replace(':', "").replace('T', "-"));
    let stem = stem.trim_end_matches('Z');
    let named = |number: &str| {
        let json = folder.join(format!("{stem}{number}.json"));
        Exported { text: json.with_extension("txt"), json }
    };
    let (mut files, mut n) = (named(""), 1);
    while files.json.exists() || files.text.exists() {
        n += 1;
        files = named(&format!("-{n}"));
    }
    for (path, content) in [(&files.json, report.to_json()), (&files.text, report.to_text())] {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        file.and_then(|mut file| file.write_all(content.as_bytes())).map_err(failed(path))?;
    }
    Ok(files)
}

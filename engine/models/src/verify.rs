//! Checking a model's files without loading it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::Path;

use sha2::Digest;

use residue_codec::{
    CodecError, ForeignContent, MAX_CONFIG_BYTES, MAX_INDEX_BYTES, ShardIndex, read_tensor_names,
};

use super::folder::{self, CONFIG, INDEX};
use super::model_checksum::sum_all;
use super::progress::{OnProgress, ProgressStage, ProgressTally};
use super::{KNOWN, ModelSource, ModelsError, embedded, hub_cache};
use residue_core::hex;

/// Result of checking a model.
#[derive(Debug)]
pub struct VerifyReport {
    /// The model.
    pub source: ModelSource,
    /// Its files, `config.json` first.
    pub files: Vec<FileReport>,
    /// Result of loading it; `None` if that was not tried, as where a file is damaged.
    pub load: Option<Result<(), CodecError>>,
}

impl VerifyReport {
    /// True if nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.files.iter().all(|file| file.problem.is_none())
            && self.load.as_ref().is_none_or(Result::is_ok)
    }

    /// Returns the first problem, in words for the user.
    pub fn problem(&self) -> Option<String> {
        let of_file = |file: &FileReport| {
            file.problem.as_ref().map(|problem| format!("{}: {problem}", file.name))
        };
        let load = self.load.as_ref().and_then(|load| load.as_ref().err());
        self.files.iter().find_map(of_file).or_else(|| load.map(ToString::to_string))
    }
}

/// Result of checking one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its sum in lowercase hex; `None` if it could not be read.
    pub sha256: Option<String>,
    /// The sum under which it was published, where the hub's cache knows it.
    pub published_sha256: Option<String>,
    /// Tensors in it, for weights.
    pub tensors: Option<usize>,
    /// The defect, with what was expected, what was found, and what to do.
    pub problem: Option<String>,
}

/// Checks the files of a model: that all are there, that each safetensors header fits its file
/// exactly, that the index and the shards agree, and the sums where they were published.
///
/// Reads every byte once; not realtime-safe.
///
/// # Errors
///
/// [`ModelsError::Cancelled`], or [`ModelsError::Index`] when the files cannot even be listed. What
/// is wrong with files is in the report.
pub fn verify(
    source: &ModelSource,
    on_progress: &mut OnProgress<'_>,
) -> Result<VerifyReport, ModelsError> {
    let mut tally = ProgressTally::new(on_progress);
    let files = match source {
        ModelSource::Embedded => verify_embedded(&mut tally)?,
        ModelSource::Folder(folder) => verify_folder(folder, &mut tally)?,
    };
    Ok(VerifyReport { source: source.clone(), files, load: None })
}

/// Names of a file's tensors.
type TensorNames = BTreeSet<String>;

fn verify_embedded(tally: &mut ProgressTally<'_>) -> Result<Vec<FileReport>, ModelsError> {
    let model = embedded();
    let files = [(CONFIG, model.config.as_bytes()), (folder::WEIGHTS, model.weights)];
    tally.expect(files.iter().map(|(_, content)| content.len() as u64).sum());
    let mut reports = Vec::new();
    for (name, mut content) in files {
        let mut report = FileReport {
            name: name.to_owned(),
            bytes: content.len() as u64,
            ..FileReport::default()
        };
        match check_content(name, &mut { content }, report.bytes) {
            Ok(tensors) => report.tensors = tensors.map(|names| names.len()),
            Err(problem) => report.problem = Some(format!("{problem}; this program is damaged")),
        }
        let failure = |cause| ModelsError::Io { action: "read", path: name.into(), cause };
        let (sum, bytes) =
            sum_all(&mut content, failure, |n| tally.report(ProgressStage::Checking, name, n))?;
        report.sha256 = Some(hex(&sum.finalize()));
        tally.finish(ProgressStage::Checking, name, bytes)?;
        reports.push(report);
    }
    Ok(reports)
}

fn verify_folder(
    folder: &Path,
    tally: &mut ProgressTally<'_>,
) -> Result<Vec<FileReport>, ModelsError> {
    let names = folder::expected_files(folder)?;
    let size = |name: &String| fs::metadata(folder.join(name)).map_or(0, |m| m.len());
    tally.expect(names.iter().map(size).sum());
    let mut tensors = BTreeMap::new();
    let mut reports = Vec::new();
    for name in names {
        let (report, names) = verify_file(folder, name, tally)?;
        tally.finish(ProgressStage::Checking, &report.name, report.bytes)?;
        if let Some(names) = names {
            tensors.insert(report.name.clone(), names);
        }
        reports.push(report);
    }
    if let Some(report) = reports.iter_mut().find(|file| file.name == INDEX) {
        let index = folder::read_index(&folder.join(INDEX))?;
        report.problem = report.problem.take().or_else(|| disagreement(&index, &tensors));
    }
    Ok(reports)
}

fn verify_file(
    folder: &Path,
    name: String,
    tally: &mut ProgressTally<'_>,
) -> Result<(FileReport, Option<TensorNames>), ModelsError> {
    let path = folder.join(&name);
    let mut report = FileReport { name, ..FileReport::default() };
    let failure = |cause| ModelsError::Io { action: "read", path: path.clone(), cause };
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (bytes, mut file) = match opened {
        Ok(opened) => opened,
        Err(e) => {
            report.problem = Some(format!("{}; download or copy it again", failure(e)));
            return Ok((report, None));
        }
    };
    report.bytes = bytes;
    report.published_sha256 = pinned_sum(folder, &report.name).or_else(|| published_sum(&path));
    let checked = check_content(&report.name, &mut file, bytes);
    let summed = file.rewind().map_err(failure).and_then(|()| {
        sum_all(&mut file, failure, |n| tally.report(ProgressStage::Checking, &report.name, n))
    });
    match summed {
        Ok((sum, _)) => report.sha256 = Some(hex(&sum.finalize())),
        Err(ModelsError::Cancelled) => return Err(ModelsError::Cancelled),
        Err(e) => report.problem = Some(e.to_string()),
    }
    let tensors = match checked {
        Ok(tensors) => tensors,
        Err(problem) => {
            report.problem.get_or_insert(format!("{problem}; download or copy it again"));
            None
        }
    };
    report.tensors = tensors.as_ref().map(BTreeSet::len);
    if let (Some(published), Some(found)) = (&report.published_sha256, &report.sha256)
        && published != found
    {
        // A later pull takes a file of the right size for whole, so it has to go first.
        report.problem = Some(format!(
            "wrong sha256: expected {published}, found {found}; delete {} and pull the model again",
            fs::canonicalize(&path).unwrap_or(path).display()
        ));
    }
    Ok((report, tensors))
}

/// The built-in sum of a file whose folder is the snapshot of a pinned commit.
fn pinned_sum(folder: &Path, name: &str) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let commit = folder.file_name()?.to_str()?;
    let mut pins = KNOWN.iter().filter_map(|model| model.pinned);
    let pin = pins.find(|pinned| pinned.commit == commit)?;
    pin.sha256(name).map(str::to_owned)
}

/// The published sum of a file in the hub's cache: the name of the blob that it is a link to.
fn published_sum(path: &Path) -> Option<String> {
    let blob = fs::canonicalize(path).ok()?;
    let name = blob.file_name()?.to_str()?;
    let in_cache = blob.parent()?.file_name()? == "blobs";
    (in_cache && hub_cache::is_sha256(name)).then(|| name.to_owned())
}

/// Checks the content of a file of `bytes` bytes; gives the tensors in it if it holds weights.
fn check_content(
    name: &str,
    content: &mut impl Read,
    bytes: u64,
) -> Result<Option<TensorNames>, String> {
    if name.ends_with(".safetensors") {
        return read_tensor_names(content, bytes).map(Some).map_err(|problem| problem.to_string());
    }
    let limit = if name == CONFIG { MAX_CONFIG_BYTES } else { MAX_INDEX_BYTES };
    let mut text = Vec::new();
    let read = content.take(limit + 1).read_to_end(&mut text);
    read.map_err(|error| format!("cannot read: {error}"))?;
    if let Some(content) = ForeignContent::recognize(&text) {
        return Err(content.to_string());
    }
    if text.len() as u64 > limit {
        return Err(format!("larger than {limit} bytes, which no file of this kind needs"));
    }
    // Only the form: deep nesting is refused by the parser, and nothing is kept.
    let json: HashMap<String, serde::de::IgnoredAny> =
        serde_json::from_slice(&text).map_err(|error| format!("not a JSON object: {error}"))?;
    drop(json);
    Ok(None)
}

/// Where an index and its shards disagree. Shards that could not be read have their own problem.
fn disagreement(index: &ShardIndex, tensors: &BTreeMap<String, TensorNames>) -> Option<String> {
    let missing: Vec<_> = index
        .weight_map
        .iter()
        .filter(|(tensor, shard)| tensors.get(*shard).is_some_and(|names| !names.contains(*tensor)))
        .collect();
    let (tensor, shard) = missing.first()?;
    Some(format!(
        "{} tensors are not where the index says, the first is {tensor} (expected in {shard}); the files belong to different models: download them again",
        missing.len()
    ))
}

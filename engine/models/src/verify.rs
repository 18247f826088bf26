//! Checking a model's files without loading it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::Path;

use safetensors::tensor::Metadata;
use sha2::Digest;

use residue_codec::{ShardIndex, read_safetensors_header};
use residue_core::small_file;

use super::folder::{self, CONFIG, INDEX};
use super::model_checksum::sum_all;
use super::progress::{OnProgress, ProgressStage, ProgressTally};
use super::{ModelSource, ModelsError, embedded, hub_cache};
use residue_core::hex;

/// A deeper check that the caller may add, such as loading configuration and tensors: the files are
/// not opened as a model here. The error is one line for the user.
pub type LoadCheck<'a> = dyn Fn(&ModelSource) -> Result<(), String> + 'a;

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// The model.
    pub source: ModelSource,
    /// Its files, `config.json` first.
    pub files: Vec<FileReport>,
    /// What the caller's own check said; not run unless all files are good.
    pub load: Option<Result<(), String>>,
}

impl VerifyReport {
    /// True if nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.files.iter().all(|file| file.problem.is_none())
            && self.load.as_ref().is_none_or(Result::is_ok)
    }
}

/// What [`verify`] found about one file.
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
    /// What is wrong with it, expected and found, and what to do.
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
    load: Option<&LoadCheck<'_>>,
    on_progress: &mut OnProgress<'_>,
) -> Result<VerifyReport, ModelsError> {
    let mut tally = ProgressTally::new(on_progress);
    let files = match source {
        ModelSource::Embedded => verify_embedded(&mut tally)?,
        ModelSource::Folder(folder) => verify_folder(folder, &mut tally)?,
    };
    let mut report = VerifyReport { source: source.clone(), files, load: None };
    if report.is_ok() {
        report.load = load.map(|load| load(source));
    }
    Ok(report)
}

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
            Ok(metadata) => report.tensors = metadata.map(|m| m.tensors().len()),
            Err(problem) => report.problem = Some(format!("{problem}; this program is damaged")),
        }
        let failure = |source| ModelsError::Io { action: "read", path: name.into(), source };
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
    let mut headers = BTreeMap::new();
    let mut reports = Vec::new();
    for name in names {
        let (report, header) = verify_file(folder, name, tally)?;
        tally.finish(ProgressStage::Checking, &report.name, report.bytes)?;
        if let Some(header) = header {
            headers.insert(report.name.clone(), header);
        }
        reports.push(report);
    }
    if let Some(report) = reports.iter_mut().find(|file| file.name == INDEX) {
        let index = folder::read_index(&folder.join(INDEX))?;
        report.problem = report.problem.take().or_else(|| disagreement(&index, &headers));
    }
    Ok(reports)
}

fn verify_file(
    folder: &Path,
    name: String,
    tally: &mut ProgressTally<'_>,
) -> Result<(FileReport, Option<Metadata>), ModelsError> {
    let path = folder.join(&name);
    let mut report = FileReport { name, ..FileReport::default() };
    let failure = |source| ModelsError::Io { action: "read", path: path.clone(), source };
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (bytes, mut file) = match opened {
        Ok(opened) => opened,
        Err(e) => {
            report.problem = Some(format!("{}; download or copy it again", failure(e)));
            return Ok((report, None));
        }
    };
    report.bytes = bytes;
    report.published_sha256 = published_sum(&path);
    let checked = check_content(&report.name, &mut file, bytes);
    let summed = file.rewind().map_err(failure).and_then(|()| {
        sum_all(&mut file, failure, |n| tally.report(ProgressStage::Checking, &report.name, n))
    });
    match summed {
        Ok((sum, _)) => report.sha256 = Some(hex(&sum.finalize())),
        Err(ModelsError::Cancelled) => return Err(ModelsError::Cancelled),
        Err(e) => report.problem = Some(e.to_string()),
    }
    let header = match checked {
        Ok(header) => header,
        Err(problem) => {
            report.problem.get_or_insert(format!("{problem}; download or copy it again"));
            None
        }
    };
    report.tensors = header.as_ref().map(|header| header.tensors().len());
    if let (Some(published), Some(found)) = (&report.published_sha256, &report.sha256)
        && published != found
    {
        // A later pull takes a file of the right size for whole, so it has to go first.
        report.problem = Some(format!(
            "wrong sha256: expected {published}, found {found}; delete {} and pull the model again",
            fs::canonicalize(&path).unwrap_or(path).display()
        ));
    }
    Ok((report, header))
}

/// The published sum of a file in the hub's cache: the name of the blob that it is a link to.
fn published_sum(path: &Path) -> Option<String> {
    let blob = fs::canonicalize(path).ok()?;
    let name = blob.file_name()?.to_str()?;
    let in_cache = blob.parent()?.file_name()? == "blobs";
    (in_cache && hub_cache::is_sha256(name)).then(|| name.to_owned())
}

/// Checks what is inside a file of `bytes` bytes; gives the header of weights.
fn check_content(
    name: &str,
    content: &mut impl Read,
    bytes: u64,
) -> Result<Option<Metadata>, String> {
    if name.ends_with(".safetensors") {
        return read_safetensors_header(content, bytes).map(Some);
    }
    // Deep nesting is refused by the parser itself.
    let json: serde_json::Value = serde_json::from_reader(content.take(small_file::LIMIT))
        .map_err(|e| format!("not valid JSON: {e}"))?;
    if json.is_object() { Ok(None) } else { Err("not a JSON object".to_owned()) }
}

/// Where an index and its shards disagree. Shards that could not be read have their own problem.
fn disagreement(index: &ShardIndex, headers: &BTreeMap<String, Metadata>) -> Option<String> {
    let missing: Vec<_> = index
        .weight_map
        .iter()
        .filter(|(tensor, shard)| {
            headers.get(*shard).is_some_and(|header| header.info(tensor).is_none())
        })
        .collect();
    let (tensor, shard) = missing.first()?;
    Some(format!(
        "{} tensors are not where the index says, the first is {tensor} (expected in {shard}); the files belong to different models: download them again",
        missing.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; data]);
        bytes
    }

    fn check(bytes: &[u8]) -> Result<usize, String> {
        read_safetensors_header(&mut &bytes[..], bytes.len() as u64)
            .map(|header| header.tensors().len())
    }

    const TWO: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[3],"data_offsets":[8,11]}}"#;

    #[test]
    fn a_header_has_to_fill_its_file() {
        assert_eq!(check(&file(TWO, 11)), Ok(2));
        assert!(check(&file(TWO, 10)).unwrap_err().contains("the file has"));
        assert!(check(&file(TWO, 12)).unwrap_err().contains("the file has"));
    }

    #[test]
    fn a_file_cut_anywhere_is_noticed() {
        let whole = file(TWO, 11);
        for length in 0..whole.len() {
            assert!(check(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn hostile_headers_are_errors() {
        assert!(check(&u64::MAX.to_le_bytes()).unwrap_err().contains("claims"));
        let overlap = TWO.replace("[8,11]", "[7,10]");
        let backwards = TWO.replace("[8,11]", "[11,8]");
        let shape = TWO.replace("[2]", "[18446744073709551615,18446744073709551615]");
        let dtype = TWO.replace("I8", "X9");
        for header in [&overlap, &backwards, &shape, &dtype, "[]", "{", "\"\""] {
            assert!(check(&file(header, 11)).is_err(), "{header}");
        }
        // Each tensor is possible, together they are more than can be counted.
        let quarter = 1u64 << 61;
        let endless: Vec<String> = (0..7)
            .map(|i| {
                format!(
                    r#""{i}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}"#,
                    quarter - 1,
                    i * (quarter - 1),
                    (i + 1) * (quarter - 1)
                )
            })
            .collect();
        assert!(check(&file(&format!("{{{}}}", endless.join(",")), 0)).is_err());
    }
}

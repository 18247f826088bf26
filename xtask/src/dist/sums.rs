//! SHA-256 sums of packages, in the form that `sha256sum --check` reads.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Name of the file with the sums.
const NAME: &str = "SHA256SUMS";

/// Writes the sums of packages into their folder. Sums of other packages that lie there, such as another target's,
/// stay.
pub fn write(folder: &Path, packages: &[PathBuf]) -> Result<()> {
    let path = folder.join(NAME);
    let mut sums = if path.is_file() { read(&path)? } else { BTreeMap::new() };
    sums.retain(|name, _| folder.join(name).is_file());
    for package in packages {
        let name = package.file_name().and_then(|name| name.to_str());
        sums.insert(name.context("packages have names")?.to_owned(), sum(package)?);
    }
    write_file(&path, &sums)
}

/// Checks the packages in the folders of `folder`, each with sums of its own, and writes all sums into one file
/// there. Fails where a package was changed on its way, or a file has no sum.
pub fn collect(folder: &Path) -> Result<()> {
    let mut all = BTreeMap::new();
    for entry in entries(folder)?.into_iter().filter(|entry| entry.is_dir()) {
        let sums = read(&entry.join(NAME))?;
        for path in entries(&entry)?.into_iter().filter(|path| !path.ends_with(NAME)) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            match sums.get(name) {
                None => bail!("{} has no sum in its folder's {NAME}", path.display()),
                Some(expected) if *expected != sum(&path)? => {
                    bail!("{} is not what was built: its sum differs", path.display())
                }
                Some(expected) => all.insert(name.to_owned(), expected.clone()),
            };
        }
    }
    if all.is_empty() {
        bail!("{} holds no folders with packages", folder.display());
    }
    write_file(&folder.join(NAME), &all)?;
    println!("{} packages are what was built", all.len());
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    Ok(entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?)
}

/// Reads sums, by name.
fn read(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let line = |line: &str| {
        let (sum, name) = line.split_once("  ")?;
        Some((name.to_owned(), sum.to_owned()))
    };
    text.lines()
        .map(|text| line(text).with_context(|| format!("{}: not a sum: {text}", path.display())))
        .collect()
}

fn write_file(path: &Path, sums: &BTreeMap<String, String>) -> Result<()> {
    let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    fs::write(path, lines).with_context(|| format!("writing {}", path.display()))
}

/// Returns the sum of a file in lowercase hexadecimal.
fn sum(path: &Path) -> Result<String> {
    let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::remove;

    #[test]
    fn sums_are_collected_and_a_changed_package_is_found() {
        let folder = std::env::temp_dir().join(format!("residue-sums-{}", std::process::id()));
        remove(&folder).unwrap();
        for (system, package) in [("linux", "a.deb"), ("windows", "b.zip")] {
            let place = folder.join(system);
            fs::create_dir_all(&place).unwrap();
            let package = place.join(package);
            fs::write(&package, "abc").unwrap();
            write(&place, &[package]).unwrap();
        }
        collect(&folder).unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let collected = fs::read_to_string(folder.join(NAME)).unwrap();
        assert_eq!(collected, format!("{abc}  a.deb\n{abc}  b.zip\n"));
        fs::write(folder.join("linux/a.deb"), "abd").unwrap();
        let error = collect(&folder).unwrap_err().to_string();
        assert!(error.contains("a.deb") && error.contains("not what was built"), "{error}");
        fs::write(folder.join("linux/a.deb"), "abc").unwrap();
        fs::write(folder.join("linux/c.deb"), "abc").unwrap();
        assert!(collect(&folder).unwrap_err().to_string().contains("no sum"));
        remove(&folder).unwrap();
    }

    #[test]
    fn sums_of_another_targets_packages_stay() {
        let folder = std::env::temp_dir().join(format!("residue-sums-of-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [first, second] = ["1.deb", "2.zip"].map(|name| folder.join(name));
        for path in [&first, &second] {
            fs::write(path, "").unwrap();
            write(&folder, std::slice::from_ref(path)).unwrap();
        }
        assert_eq!(read(&folder.join(NAME)).unwrap().len(), 2);
        fs::remove_file(&first).unwrap();
        write(&folder, &[second]).unwrap();
        assert_eq!(
            read(&folder.join(NAME)).unwrap().len(),
            1,
            "of packages that are gone none stays"
        );
        remove(&folder).unwrap();
    }
}

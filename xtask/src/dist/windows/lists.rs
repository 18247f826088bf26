//! Lists of files and of file types, which the installer's script includes.
//!
//! Exactly the installed files are uninstalled: never a folder as a whole, which may hold other files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::PLUGINS;
use crate::dist::staging::Staging;

/// Extensions of audio files for which Residue is offered.
const AUDIO: [&str; 14] = [
    "wav", "w64", "flac", "mp3", "mp2", "m4a", "aac", "ogg", "oga", "aif", "aiff", "aifc", "caf",
    "mka",
];
/// Extension of codes.
const CODES: &str = "npy";

/// Writes the lists for the files in `staging`; returns the size of the files in KiB.
pub fn write(lists: &Staging, staging: &Path) -> Result<u64> {
    let mut files = Vec::new();
    collect(staging, staging, &mut files)?;
    files.sort();
    let (plugins, program): (Vec<&String>, Vec<&String>) =
        files.iter().partition(|file| file.starts_with(&format!("{PLUGINS}/")));
    lists.text("program.nsh", &install(staging, &program))?;
    lists.text("plugins.nsh", &install(staging, &plugins))?;
    lists.text("types.nsh", &types())?;
    lists.text("uninstall.nsh", &(uninstall(&files) + &forget_types()))?;
    let bytes: u64 =
        files.iter().map(|file| fs::metadata(staging.join(file)).map_or(0, |it| it.len())).sum();
    Ok(bytes.div_ceil(1024))
}

/// Collects the paths of files in a folder, relative to `root`, with `/`.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let path = path.strip_prefix(root).context("it lies in the folder")?;
            files.push(path.to_str().context("names are UTF-8")?.replace('\\', "/"));
        }
    }
    Ok(())
}

/// Returns the place of a file on Windows.
fn place(file: &str) -> String {
    let within = file.replace('/', "\\");
    match within.strip_prefix(&format!("{PLUGINS}\\")) {
        Some(plugin) if plugin.starts_with("Residue.clap") => {
            format!("$COMMONFILES64\\CLAP\\{plugin}")
        }
        Some(plugin) => format!("$COMMONFILES64\\VST3\\{plugin}"),
        None => format!("$INSTDIR\\{within}"),
    }
}

/// Returns the folder of a place.
fn folder(place: &str) -> &str {
    place.rsplit_once('\\').map_or(place, |(folder, _)| folder)
}

fn install(staging: &Path, files: &[&String]) -> String {
    let mut text = String::new();
    for file in files {
        let folder = folder(&place(file)).to_owned();
        text += &format!("SetOutPath \"{folder}\"\nFile \"{}\"\n", staging.join(file).display());
    }
    text
}

fn uninstall(files: &[String]) -> String {
    let places: Vec<String> = files.iter().map(|file| place(file)).collect();
    let mut text: String = places.iter().map(|place| format!("Delete \"{place}\"\n")).collect();
    // Folders of our own, the innermost first; they go where nothing else is in them. Common Files\VST3 and
    // CLAP are among them, which Residue may have made.
    let mut folders: Vec<&str> = Vec::new();
    for place in &places {
        let mut inner = folder(place);
        while !["$INSTDIR", "$COMMONFILES64"].contains(&inner) {
            folders.push(inner);
            inner = folder(inner);
        }
    }
    folders.sort_by_key(|folder| (std::cmp::Reverse(folder.matches('\\').count()), *folder));
    folders.dedup();
    text += &folders.iter().map(|folder| format!("RMDir \"{folder}\"\n")).collect::<String>();
    text
}

/// Returns the file types with what they are called in the registry.
fn type_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    AUDIO
        .into_iter()
        .map(|extension| (extension, "Residue.Audio"))
        .chain([(CODES, "Residue.Codes")])
}

fn types() -> String {
    let mut text = String::new();
    for (extension, name) in type_names() {
        text += &format!(
            "WriteRegStr HKLM \"${{CLASSES}}\\.{extension}\\OpenWithProgids\" \"{name}\" \"\"\n\
             WriteRegStr HKLM \"${{CLASSES}}\\Applications\\residue.exe\\SupportedTypes\" \".{extension}\" \"\"\n"
        );
    }
    // A double click opens codes where no other program does.
    text + &format!(
        "ReadRegStr $0 HKLM \"${{CLASSES}}\\.{CODES}\" \"\"\n\
         ${{If}} $0 == \"\"\n  WriteRegStr HKLM \"${{CLASSES}}\\.{CODES}\" \"\" \"Residue.Codes\"\n${{EndIf}}\n"
    )
}

fn forget_types() -> String {
    let mut text = format!(
        "ReadRegStr $0 HKLM \"${{CLASSES}}\\.{CODES}\" \"\"\n\
         ${{If}} $0 == \"Residue.Codes\"\n  DeleteRegValue HKLM \"${{CLASSES}}\\.{CODES}\" \"\"\n${{EndIf}}\n"
    );
    for (extension, name) in type_names() {
        let key = format!("${{CLASSES}}\\.{extension}");
        text += &format!(
            "DeleteRegValue HKLM \"{key}\\OpenWithProgids\" \"{name}\"\n\
             !insertmacro DeleteEmptyKey \"{key}\\OpenWithProgids\"\n\
             !insertmacro DeleteEmptyKey \"{key}\"\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_where_hosts_look() {
        assert_eq!(place("residue.exe"), r"$INSTDIR\residue.exe");
        assert_eq!(place("plugins/Residue.clap"), r"$COMMONFILES64\CLAP\Residue.clap");
        assert_eq!(
            place("plugins/Residue.vst3/Contents/x86_64-win/Residue.vst3"),
            r"$COMMONFILES64\VST3\Residue.vst3\Contents\x86_64-win\Residue.vst3"
        );
    }

    #[test]
    fn uninstalling_removes_each_file_and_empty_folders_from_the_inside_out() {
        let files = ["plugins/Residue.vst3/Contents/x86_64-win/Residue.vst3", "residue.exe"];
        let lines = uninstall(&files.map(str::to_owned));
        let lines: Vec<&str> = lines.lines().collect();
        let vst3 = r"$COMMONFILES64\VST3";
        assert_eq!(
            lines,
            [
                format!(r#"Delete "{vst3}\Residue.vst3\Contents\x86_64-win\Residue.vst3""#),
                r#"Delete "$INSTDIR\residue.exe""#.to_owned(),
                format!(r#"RMDir "{vst3}\Residue.vst3\Contents\x86_64-win""#),
                format!(r#"RMDir "{vst3}\Residue.vst3\Contents""#),
                format!(r#"RMDir "{vst3}\Residue.vst3""#),
                format!(r#"RMDir "{vst3}""#),
            ]
        );
        assert!(!lines.iter().any(|line| line.contains("/r")), "no folder goes as a whole");
    }
}

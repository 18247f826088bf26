//! Packages installed, used and removed, each on a system without anything of this checkout.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::VERSION;
use crate::bundle::built;
use crate::macos::has_target;
use crate::wine::{self, Wine, windows_path};
use crate::{cargo, root, run};

/// Folder of the program once it is installed, on the drive.
const PROGRAM: &str = "Program Files/Residue";
/// Files that the installer makes besides those of the package, and the plugins.
const INSTALLED: [&str; 8] = [
    "Program Files/Residue/residue.exe",
    "Program Files/Residue/NOTICE.txt",
    "Program Files/Residue/LICENSE-MIT.txt",
    "Program Files/Residue/LICENSE-APACHE.txt",
    "Program Files/Residue/uninstall.exe",
    "Program Files/Common Files/CLAP/Residue.clap",
    "Program Files/Common Files/VST3/Residue.vst3/Contents/x86_64-win/Residue.vst3",
    "ProgramData/Microsoft/Windows/Start Menu/Programs/Residue.lnk",
];
/// A key of the registry that the installer makes, and a part of its content.
const REGISTERED: [(&str, &str); 4] = [
    (r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\Residue", VERSION),
    (r"HKLM\Software\Classes\.flac\OpenWithProgids", "Residue.Audio"),
    (r"HKLM\Software\Classes\.npy", "Residue.Codes"),
    (r"HKLM\Software\Classes\Residue.Codes\shell\open\command", r"Residue\residue.exe"),
];
/// Exit code of the installer on a Windows that is too old.
const IS_OLD: i32 = 3;
/// Exit code of the installer where the program is open.
const IS_OPEN: i32 = 4;

/// Installs, uses and removes the `.deb` in a minimal Debian root.
pub fn linux(packages: &[PathBuf]) -> Result<()> {
    cargo(&["test", "--workspace", "--test", "openings", "--no-run"], &[])?;
    let openings = |name: &str| name.starts_with("openings-") && !name.ends_with(".d");
    let host = newest(&built("dev", None)?.join("deps"), openings)?;
    run(Command::new("scripts/try_deb.sh").arg(with_extension(packages, "deb")?).arg(host))
}

fn with_extension<'a>(packages: &'a [PathBuf], extension: &str) -> Result<&'a PathBuf> {
    let found = packages.iter().find(|path| path.extension().is_some_and(|it| it == extension));
    found.with_context(|| format!("no .{extension} was made"))
}

/// Returns the newest file of a folder with a fitting name.
fn newest(folder: &Path, fits: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let fitting = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(&fits));
    let newest = fitting.max_by_key(|entry| entry.metadata().and_then(|it| it.modified()).ok());
    Ok(newest.with_context(|| format!("nothing fitting in {}", folder.display()))?.path())
}

/// Returns what a trial of the packages for Windows needs and this machine lacks.
pub fn missing() -> Vec<String> {
    let target = super::windows::CROSS;
    let mut missing = wine::missing();
    if !has_target(target) {
        missing.push(format!("the target {target} (rustup target add {target})"));
    }
    if !wine::answers(Command::new("makensis").arg("-VERSION")) {
        missing.push("NSIS (Debian: nsis)".to_owned());
    }
    missing
}

/// Installs the program for Windows silently under Wine, uses it, and uninstalls it silently. Fails if anything of
/// it is left then, in files or in the registry.
pub fn windows(packages: &[PathBuf]) -> Result<()> {
    let installer = with_extension(packages, "exe")?;
    let wine = Wine::fresh(root()?.join("target/wine-packages"))?;
    let tried = try_installer(&wine, installer);
    wine.wait()?;
    tried
}

fn try_installer(wine: &Wine, installer: &Path) -> Result<()> {
    let drive = wine.drive();
    let installer = installer.to_str().context("the path is not UTF-8")?;
    // A file of another program where plugins lie: it must stay, and with it its folder.
    let other = drive.join("Program Files/Common Files/VST3/Other.vst3");
    fs::create_dir_all(other.parent().context("it lies in a folder")?)?;
    fs::write(&other, "other")?;
    // Nor may another program's types get lost.
    let types = r"HKLM\Software\Classes\.flac\OpenWithProgids";
    run(wine.command("reg").args(["add", types, "/v", "Other.Audio", "/f"]).stdout(Stdio::null()))?;
    wine.pretend("win7")?;
    let before = files(&drive)?;
    ensure!(code(wine, installer, &["/S"])? == IS_OLD, "Windows 7 was not refused");
    ensure!(files(&drive)? == before, "something was installed on Windows 7");
    println!("on Windows 7: refused, nothing changed");
    wine.pretend("win10")?;
    let before = (files(&drive)?, registry(wine)?);

    ensure!(code(wine, installer, &["/S"])? == 0, "the installer failed");
    let missing: Vec<&str> =
        INSTALLED.into_iter().filter(|file| !drive.join(file).is_file()).collect();
    ensure!(missing.is_empty(), "not installed: {missing:?}");
    for (key, content) in REGISTERED {
        let output = wine.command("reg").args(["query", key, "/s"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(text.contains(content), "{key} lacks {content}: {text}");
    }
    let count = files(&drive)?.difference(&before.0).count();
    println!("installed: {count} files");

    use_program(wine)?;

    refuses_while_open(wine, installer)?;
    // Over itself, as a newer version is installed over an older one.
    ensure!(code(wine, installer, &["/S"])? == 0, "installing again failed");

    ensure!(
        code(wine, r"C:\Program Files\Residue\uninstall.exe", &["/S"])? == 0,
        "uninstalling failed"
    );
    // The uninstaller goes on as a copy of itself, so that it can delete itself.
    wine.wait()?;
    let after = (files(&drive)?, registry(wine)?);
    let left: Vec<&String> = after.0.difference(&before.0).collect();
    let lost: Vec<&String> = before.0.difference(&after.0).collect();
    let left_keys: Vec<&String> = after.1.difference(&before.1).collect();
    let lost_keys: Vec<&String> = before.1.difference(&after.1).collect();
    ensure!(left.is_empty() && left_keys.is_empty(), "left behind: {left:?} {left_keys:?}");
    ensure!(lost.is_empty() && lost_keys.is_empty(), "taken away: {lost:?} {lost_keys:?}");
    ensure!(other.is_file(), "another program's plugin is gone");
    println!("uninstalled: nothing is left");
    Ok(())
}

/// Runs the installed program on a clip.
fn use_program(wine: &Wine) -> Result<()> {
    let program = r"C:\Program Files\Residue\residue.exe";
    let output = wine.command(program).arg("--version").output()?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    ensure!(String::from_utf8_lossy(&output.stdout).contains(VERSION), "it does not run");
    let folder = root()?.join("target/tried");
    crate::bundle::remove(&folder)?;
    fs::create_dir_all(&folder)?;
    let clip = root()?.join("assets/clips/speech.flac");
    let at = |name: &str| windows_path(&folder.join(name));
    let mut compare = wine.command(program);
    compare.args([
        "compare",
        &windows_path(&clip)?,
        "--depths",
        "1,8,32",
        "--output",
        &at("compared")?,
    ]);
    run(&mut compare)?;
    ensure!(folder.join("compared").is_dir(), "compare wrote nothing");
    let windows = folder.join("windows.wav");
    run(wine.command(program).args([
        "roundtrip",
        &windows_path(&clip)?,
        "--output",
        &at("windows.wav")?,
    ]))?;
    let Some(own) = own_program()? else {
        println!(
            "round trip: {} bytes; there is no build for this system to compare with",
            fs::metadata(windows)?.len()
        );
        return Ok(());
    };
    let here = folder.join("here.wav");
    run(Command::new(own).arg("roundtrip").arg(clip).arg("--output").arg(&here))?;
    ensure!(fs::read(&windows)? == fs::read(&here)?, "the round trip differs from this system's");
    println!("round trip: {} bytes, the same as on this system", fs::metadata(windows)?.len());
    Ok(())
}

/// Returns this system's own program, if it has been built.
fn own_program() -> Result<Option<PathBuf>> {
    for profile in ["dist", "release", "quick"] {
        let program = built(profile, None)?.join("residue");
        if program.is_file() {
            return Ok(Some(program));
        }
    }
    Ok(None)
}

/// Checks that a program that is open keeps the installer from changing anything.
fn refuses_while_open(wine: &Wine, installer: &str) -> Result<()> {
    let mut decode = wine.command(r"C:\Program Files\Residue\residue.exe");
    let output = windows_path(&root()?.join("target/tried/open.wav"))?;
    decode.args(["decode", "-", "--output", &output]);
    let mut open =
        decode.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    thread::sleep(Duration::from_secs(3));
    ensure!(open.try_wait()?.is_none(), "the program does not wait for codes");
    let refused = code(wine, installer, &["/S"])?;
    if let Some(mut codes) = open.stdin.take() {
        // Ends the program, which complains of having got nothing.
        let _ = codes.write_all(b"\n");
    }
    open.wait()?;
    let installed = wine.drive().join(PROGRAM).join("residue.exe");
    ensure!(refused == IS_OPEN, "the installer answered {refused} while the program was open");
    ensure!(installed.is_file(), "the installer took the open program away");
    println!("while the program is open: refused, nothing changed");
    Ok(())
}

/// Runs a program and returns its exit code, when all that it started has ended.
fn code(wine: &Wine, program: &str, arguments: &[&str]) -> Result<i32> {
    let status = wine.command(program).args(arguments).status()?;
    status.code().with_context(|| format!("{program} was ended: {status}"))
}

/// Returns the files on the drive, without those that Wine keeps for itself and the settings of the user, which stay.
fn files(drive: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![drive.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?
        {
            let path = entry?.path();
            // Links lead to the home folder of the user who runs this.
            let name = path.strip_prefix(drive)?.to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                // The uninstaller leaves its copy among temporary files, and has Windows delete it at the next start.
                let kept = ["/Temp", "AppData/Roaming/residue", "AppData/Local/residue"];
                if !kept.iter().any(|kept| name.ends_with(kept)) {
                    found.insert(format!("{name}/"));
                    folders.push(path);
                }
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// Returns the keys and values of the computer's programs in the registry.
fn registry(wine: &Wine) -> Result<BTreeSet<String>> {
    wine.wait()?;
    let output = wine.command("reg").args(["query", r"HKLM\Software", "/s"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut key = String::new();
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.starts_with("HKEY") {
            key = line.to_owned();
            found.insert(key.clone());
        } else {
            found.insert(format!("{key}: {}", line.trim_start()));
        }
    }
    if found.len() < 100 {
        bail!("the registry cannot be read: {text}");
    }
    Ok(found)
}

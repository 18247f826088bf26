//! Outputs to everything that may stand at a path.

#[cfg(unix)]
use std::fs::Permissions;
use std::io::{Read, Write};

use tempfile::TempDir;

use super::*;

/// Writes `text` to `path`.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let output = OutputFile::create(path)?;
    output.file().write_all(text.as_bytes())?;
    output.commit()
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn nothing_changes_until_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, "old").unwrap();
    let output = OutputFile::create(&path).unwrap();
    output.file().write_all(b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(&folder).len(), 2);
    drop(output);
    assert_eq!(names(&folder), ["x"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    put(&path, "new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(&folder), ["x"]);
}

#[test]
fn a_published_output_grows_under_its_name_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let mut output = OutputFile::create(&path).unwrap();
    output.file().write_all(b"one").unwrap();
    output.publish().unwrap();
    output.publish().unwrap();
    assert!(output.is_seekable());
    assert_eq!(fs::read(&path).unwrap(), b"one");
    output.file().write_all(b"two").unwrap();
    drop(output);
    assert_eq!(fs::read(&path).unwrap(), b"onetwo");
    assert_eq!(names(&folder), ["x"]);
}

#[test]
fn impossible_outputs_are_refused_in_words_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let read_only = folder.path().join("read-only");
    fs::write(&read_only, "kept").unwrap();
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    for (path, kind, words) in [
        (folder.path().to_owned(), ErrorKind::IsADirectory, "a folder; name a file"),
        (folder.path().join("none/x"), ErrorKind::NotFound, "there is no folder"),
        (read_only.join("x"), ErrorKind::NotADirectory, "is no folder"),
        (PathBuf::new(), ErrorKind::InvalidInput, "does not end in a file name"),
        (read_only.clone(), ErrorKind::PermissionDenied, "read-only; make it writable"),
        (folder.path().join("x".repeat(256)), ErrorKind::InvalidFilename, "a shorter one"),
    ] {
        let error = OutputFile::create(&path).unwrap_err();
        assert_eq!(error.kind(), kind, "{}: {error}", path.display());
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(fs::read(&read_only).unwrap(), b"kept");
    assert_eq!(names(&folder), ["read-only"]);
}

#[test]
fn the_longest_names_work() {
    let folder = tempfile::tempdir().unwrap();
    for length in [242, 243, 255] {
        let path = folder.path().join("x".repeat(length));
        for text in ["one", "two"] {
            put(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
    assert_eq!(names(&folder).len(), 3);
}

#[test]
fn room_is_checked_where_the_system_tells() {
    let folder = tempfile::tempdir().unwrap();
    let output = OutputFile::create(&folder.path().join("x")).unwrap();
    output.expect(1).unwrap();
    let error = output.expect(u64::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(error.to_string().contains("choose another folder"), "{error}");
}

#[test]
fn one_file_is_known_by_all_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("x"), folder.path().join("y"));
    fs::write(&path, "").unwrap();
    fs::write(&other, "").unwrap();
    assert!(is_same_file(&path, &folder.path().join(".").join("x")));
    assert!(!is_same_file(&path, &other));
    assert!(!is_same_file(&folder.path().join("none"), &folder.path().join("none")));
    assert!(is_same_file(folder.path(), &folder.path().join(".")));
    let hard = folder.path().join("hard");
    fs::hard_link(&path, &hard).unwrap();
    assert!(is_same_file(&path, &hard));
    #[cfg(unix)]
    {
        let soft = folder.path().join("soft");
        std::os::unix::fs::symlink("hard", &soft).unwrap();
        assert!(is_same_file(&path, &soft));
    }
}

#[test]
fn names_of_one_file_keep_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    fs::write(&one, "a longer text").unwrap();
    fs::hard_link(&one, &two).unwrap();
    put(&one, "short").unwrap();
    assert_eq!(fs::read_to_string(&two).unwrap(), "short");
}

/// Windows keeps others from reading what is locked, as temporary files are.
#[test]
fn a_published_file_is_readable_while_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let mut output = OutputFile::create(&path).unwrap();
    output.file().write_all(b"one").unwrap();
    output.publish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one");
    output.file().write_all(b"two").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "onetwo");
    output.commit().unwrap();
    // Another output takes its place.
    put(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[cfg(windows)]
#[test]
fn a_file_that_another_program_holds_is_refused_in_words() {
    use std::os::windows::fs::OpenOptionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let held = OpenOptions::new().write(true).create_new(true).share_mode(0).open(&path).unwrap();
    let error = put(&path, "new").unwrap_err();
    assert!(error.to_string().contains("another program has the file open"), "{error}");
    drop(held);
    put(&path, "new").unwrap();
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::thread;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn links_are_written_through() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("deep/target", at("one")).unwrap();
        symlink("one", at("two")).unwrap();
        // At first the target is missing.
        for text in ["first", "second"] {
            put(&at("two"), text).unwrap();
            assert_eq!(fs::read_to_string(at("deep/target")).unwrap(), text);
        }
        assert!(at("one").is_symlink() && at("two").is_symlink());
        assert_eq!(names(&folder), ["deep", "one", "two"]);
        symlink("loop", at("loop")).unwrap();
        assert!(put(&at("loop"), "x").is_err());
        symlink("none/x", at("lost")).unwrap();
        let error = put(&at("lost"), "x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    /// A failure changes neither, and nobody else reads the content meanwhile.
    #[test]
    fn a_failure_keeps_hard_links_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::write(&one, "short").unwrap();
        fs::hard_link(&one, &two).unwrap();
        fs::set_permissions(&one, Permissions::from_mode(0o600)).unwrap();
        let output = OutputFile::create(&one).unwrap();
        assert_eq!(output.file().metadata().unwrap().mode() & 0o777, 0o600);
        output.file().write_all(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read_to_string(&two).unwrap(), "short");
        assert!(is_same_file(&one, &two));
        assert_eq!(names(&folder), ["one", "two"]);
    }

    #[test]
    fn permissions_are_kept_and_those_of_new_files_are_usual() {
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("x"), folder.path().join("plain"));
        put(&path, "new").unwrap();
        fs::write(&plain, "").unwrap();
        assert_eq!(mode(&path), mode(&plain));
        for kept in [0o600, 0o664, 0o755] {
            fs::set_permissions(&path, Permissions::from_mode(kept)).unwrap();
            put(&path, "again").unwrap();
            assert_eq!(mode(&path), kept);
        }
    }

    #[test]
    fn the_owner_is_kept() {
        use std::os::unix::fs::chown;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "old").unwrap();
        // Only root may give files away; anyone keeps their own.
        let is_root = fs::metadata(&path).unwrap().uid() == 0;
        let owner = if is_root {
            chown(&path, Some(1234), Some(4321)).unwrap();
            (1234, 4321)
        } else {
            let made = fs::metadata(&path).unwrap();
            (made.uid(), made.gid())
        };
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        put(&path, "new").unwrap();
        let written = fs::metadata(&path).unwrap();
        assert_eq!((written.uid(), written.gid()), owner);
        assert_eq!(mode(&path), 0o640);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_device_is_written_to_and_stays() {
        put(Path::new("/dev/null"), "gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("/dev/null", &link).unwrap();
        let output = OutputFile::create(&link).unwrap();
        assert!(!output.is_seekable());
        output.expect(u64::MAX).unwrap();
        drop(output);
        assert_eq!(names(&folder), ["link"]);
    }

    #[test]
    fn the_reader_of_a_fifo_gets_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let reader = {
            let path = path.clone();
            thread::spawn(move || {
                let mut text = String::new();
                File::open(path).unwrap().read_to_string(&mut text).unwrap();
                text
            })
        };
        put(&path, "through the pipe").unwrap();
        assert_eq!(reader.join().unwrap(), "through the pipe");
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        assert_eq!(names(&folder), ["fifo"]);
    }
}

//! The folder of packed weights, and the move from where earlier versions kept them.

use std::fs;
use std::path::{Path, PathBuf};

use residue_codec::PackedCache;

/// Name of the folder.
pub(super) const PACKED: &str = "packed";

/// Returns the folder of packed weights in the system's folder of caches, or in `home` where the system has none.
///
/// Versions before 0.2 kept them in `home`, which systems back up. Their files are moved; where that cannot be done,
/// as between two file systems, they are deleted, since weights are packed again. A link in place of the folder is
/// somebody's own choice of a place, and is used as it is.
pub(super) fn packed_folder(home: &Path, caches: Option<PathBuf>) -> PathBuf {
    let former = home.join(PACKED);
    if former.is_symlink() {
        return former;
    }
    let Some(folder) = caches.map(|caches| caches.join("residue").join(PACKED)) else {
        return former;
    };
    if folder != former && former.is_dir() && !move_folder(&former, &folder) {
        // Failures are tried again at the next start. Other files stay, and with them the folder.
        let _ = PackedCache::new(&former).clear();
        let _ = fs::remove_dir(&former);
    }
    folder
}

/// Moves a folder to a place where nothing is; false where that cannot be done.
fn move_folder(from: &Path, to: &Path) -> bool {
    let parent = to.parent().map_or(Ok(()), fs::create_dir_all);
    !to.exists() && parent.and_then(|()| fs::rename(from, to)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_an_earlier_version_packed_is_moved() {
        let place = tempfile::tempdir().unwrap();
        let (home, caches) = (place.path().join("home"), place.path().join("caches"));
        write(&home.join("packed/a-int8.packed"), "weights");
        write(&home.join("models.json"), "{}");
        let folder = packed_folder(&home, Some(caches.clone()));
        assert_eq!(folder, caches.join("residue/packed"));
        assert_eq!(fs::read_to_string(folder.join("a-int8.packed")).unwrap(), "weights");
        assert!(!home.join("packed").exists());
        assert!(home.join("models.json").exists());
        assert_eq!(packed_folder(&home, Some(caches)), folder, "again");
    }

    #[test]
    fn it_is_deleted_where_it_cannot_be_moved_and_nothing_else_is() {
        let place = tempfile::tempdir().unwrap();
        let (home, caches) = (place.path().join("home"), place.path().join("caches"));
        for (path, text) in [
            (home.join("packed/a-int8.packed"), "former"),
            (home.join("packed/notes.txt"), "a person's"),
            (caches.join("residue/packed/a-int8.packed"), "present"),
        ] {
            write(&path, text);
        }
        let folder = packed_folder(&home, Some(caches));
        assert_eq!(fs::read_to_string(folder.join("a-int8.packed")).unwrap(), "present");
        assert!(!home.join("packed/a-int8.packed").exists());
        assert!(home.join("packed/notes.txt").exists());
    }

    #[test]
    fn without_a_folder_of_caches_they_stay() {
        let place = tempfile::tempdir().unwrap();
        write(&place.path().join("packed/a-int8.packed"), "weights");
        let folder = packed_folder(place.path(), None);
        assert!(folder.join("a-int8.packed").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_another_place_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let (home, large) = (place.path().join("home"), place.path().join("large"));
        fs::create_dir_all(&home).unwrap();
        write(&large.join("a-int8.packed"), "weights");
        std::os::unix::fs::symlink(&large, home.join("packed")).unwrap();
        let folder = packed_folder(&home, Some(place.path().join("caches")));
        assert_eq!(folder, home.join("packed"));
        assert!(folder.join("a-int8.packed").exists());
    }
}

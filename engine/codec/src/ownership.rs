//! Files and folders that no other user may write.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// Returns true if this user owns a file or folder and no one else may write it.
#[cfg(unix)]
pub(super) fn is_private(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    is_own(metadata) && metadata.mode() & 0o022 == 0
}

#[cfg(unix)]
fn is_own(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: the call has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    metadata.uid() == user
}

/// Creates a folder that only this user may enter.
#[cfg(unix)]
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

/// Takes write permission of a folder from everyone but its owner, who must be this user.
#[cfg(unix)]
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(folder)?;
    if is_own(&metadata) && !is_private(&metadata) {
        let mode = metadata.permissions().mode() & !0o022;
        fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
    }
    // Some file systems have one mode for all files, which nothing changes.
    if is_private(&fs::metadata(folder)?) {
        return Ok(());
    }
    let problem = "the folder is another user's, or open to other users; set RESIDUE_HOME to a folder of your own";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

/// Makes a file one that only this user may read and write.
#[cfg(unix)]
pub(super) fn make_file_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// Returns true: on other systems the folder lies in the user's profile, which others may not write.
#[cfg(not(unix))]
pub(super) fn is_private(_metadata: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

#[cfg(not(unix))]
pub(super) fn make_private(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn make_file_private(_file: &File) -> io::Result<()> {
    Ok(())
}

//! Facts about files that the standard library does not tell, such as links and free space.

pub(crate) use system::{free_bytes, has_too_long_name, identity, is_device};

/// Windows': a file is known by its volume and its number there.
#[cfg(windows)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::os::windows::ffi::OsStringExt;
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::io::AsRawHandle;
    use std::path::{Path, PathBuf};

    use windows_sys::Win32::Storage::FileSystem::{
        BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_TYPE_DISK,
        GetDiskFreeSpaceExW, GetFileInformationByHandle, GetFileType, GetFinalPathNameByHandleW,
    };

    /// Identity of an existing file, and the number of its names (hard links).
    #[derive(Clone, Copy, Debug)]
    pub struct FileIdentity {
        volume: u32,
        number: u64,
        pub names: u32,
    }

    impl PartialEq for FileIdentity {
        fn eq(&self, other: &Self) -> bool {
            (self.volume, self.number) == (other.volume, other.number)
        }
    }

    /// Reads the identity of the file or folder at a path, through links.
    pub fn identity(path: &Path) -> Option<FileIdentity> {
        // Without access rights, which also works where another program has the file for itself. The flag
        // lets folders be opened.
        let file = OpenOptions::new()
            .access_mode(0)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)
            .ok()?;
        // SAFETY: the structure is plain numbers, for which all zeros are valid.
        let mut facts: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
        // SAFETY: the handle is open, and the structure lives through the call.
        let known = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut facts) };
        (known != 0).then_some(FileIdentity {
            volume: facts.dwVolumeSerialNumber,
            number: u64::from(facts.nFileIndexHigh) << 32 | u64::from(facts.nFileIndexLow),
            names: facts.nNumberOfLinks,
        })
    }

    /// Returns the bytes that this user may still write on the volume of an open file.
    pub fn free_bytes(file: &File) -> Option<u64> {
        let folder = path_of(file)?.parent()?.to_owned();
        let folder: Vec<u16> = wide(&folder);
        let mut free = 0;
        let nothing = std::ptr::null_mut();
        // SAFETY: the path ends with a zero, and unwanted results may be null.
        let told = unsafe { GetDiskFreeSpaceExW(folder.as_ptr(), &mut free, nothing, nothing) };
        (told != 0).then_some(free)
    }

    /// Returns true if a path's last name is longer than file systems take. The system itself tells so only when
    /// the file is made.
    pub fn has_too_long_name(path: &Path) -> bool {
        use std::os::windows::ffi::OsStrExt;
        path.file_name().is_some_and(|name| name.encode_wide().count() > 255)
    }

    /// Returns true for an open device or pipe.
    pub fn is_device(file: &File) -> bool {
        // SAFETY: the handle is open.
        unsafe { GetFileType(file.as_raw_handle()) != FILE_TYPE_DISK }
    }

    /// Returns the path of an open file, of any length.
    fn path_of(file: &File) -> Option<PathBuf> {
        // The longest path has 32767 characters.
        let mut path = vec![0; 32_768];
        // SAFETY: the handle is open, and the buffer has as many characters as are told.
        let length = unsafe {
            GetFinalPathNameByHandleW(file.as_raw_handle(), path.as_mut_ptr(), path.len() as u32, 0)
        } as usize;
        let path = path.get(..length).filter(|path| !path.is_empty())?;
        Some(PathBuf::from(std::ffi::OsString::from_wide(path)))
    }

    fn wide(path: &Path) -> Vec<u16> {
        use std::os::windows::ffi::OsStrExt;
        path.as_os_str().encode_wide().chain([0]).collect()
    }
}

/// Unix's: a file is known by its device and its inode.
#[cfg(unix)]
mod system {
    use std::fs::{self, File};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Identity of an existing file.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct FileIdentity {
        device: u64,
        inode: u64,
    }

    /// Reads the identity of the file or folder at a path, through links.
    pub fn identity(path: &Path) -> Option<FileIdentity> {
        let facts = fs::metadata(path).ok()?;
        Some(FileIdentity { device: facts.dev(), inode: facts.ino() })
    }

    /// Returns false: the system tells before the work.
    pub fn has_too_long_name(_: &Path) -> bool {
        false
    }

    /// Returns false: the metadata of a path tell it.
    pub fn is_device(_: &File) -> bool {
        false
    }

    /// Returns the bytes that this user may still write on the file system of an open file.
    pub fn free_bytes(file: &File) -> Option<u64> {
        let space = rustix::fs::fstatvfs(file).ok()?;
        // Some blocks are for root only.
        let is_root = file.metadata().ok()?.uid() == 0;
        let blocks = if is_root { space.f_bfree } else { space.f_bavail };
        // File systems that know nothing of blocks count none.
        (space.f_blocks > 0).then(|| blocks.saturating_mul(space.f_frsize))
    }
}

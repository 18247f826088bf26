//! Kinds of content that often stand where a model's file should be.

use std::fmt;

/// A kind of content that is found in place of a model's file and that its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForeignContent {
    /// The text that Git keeps in place of a large file.
    GitLfsPointer,
    /// A web page, such as that of a login or an error.
    WebPage,
    /// A ZIP archive; PyTorch's own checkpoints are such.
    ZipArchive,
    /// Content that is still compressed with gzip.
    Gzip,
}

impl ForeignContent {
    /// Bytes from the beginning of a file that [`ForeignContent::recognize`] looks at.
    pub const HEAD: usize = 512;

    /// Recognizes the beginning of a file; `None` if it is none of these.
    pub fn recognize(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"version https://git-lfs") {
            return Some(Self::GitLfsPointer);
        }
        if head.starts_with(b"PK\x03\x04") {
            return Some(Self::ZipArchive);
        }
        if head.starts_with(&[0x1f, 0x8b, 8]) {
            return Some(Self::Gzip);
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let begins =
            |tag: &[u8]| text.len() >= tag.len() && text[..tag.len()].eq_ignore_ascii_case(tag);
        [&b"<!doctype"[..], b"<html", b"<head", b"<?xml", b"<!--", b"<body"]
            .into_iter()
            .any(begins)
            .then_some(Self::WebPage)
    }
}

/// The kind and what to do, to follow a file's name and a colon.
impl fmt::Display for ForeignContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitLfsPointer => {
                "this is a Git LFS pointer, not the file itself: run `git lfs pull` in its folder"
            }
            Self::WebPage => {
                "this is a web page, not the model's file: a login or an error was saved in its place; download it again"
            }
            Self::ZipArchive => {
                "this is a ZIP archive or a PyTorch checkpoint, not the model's file: get the published safetensors files"
            }
            Self::Gzip => "this is still compressed with gzip: unpack it first",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_recognized_by_its_beginning() {
        use ForeignContent::{GitLfsPointer, Gzip, WebPage, ZipArchive};
        for (head, expected) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a"[..], GitLfsPointer),
            (b"<!DOCTYPE html>", WebPage),
            (b"\xef\xbb\xbf\r\n <HTML lang=en>", WebPage),
            (b"<?xml version=\"1.0\"?><Error>", WebPage),
            (b"PK\x03\x04\x14\0", ZipArchive),
            (b"\x1f\x8b\x08\0", Gzip),
        ] {
            assert_eq!(ForeignContent::recognize(head), Some(expected), "{head:?}");
        }
        for other in [&b""[..], b"{\"a\":1}", b"version 2", b"\x40\0\0\0\0\0\0\0{", b"< html"] {
            assert_eq!(ForeignContent::recognize(other), None, "{other:?}");
        }
    }
}

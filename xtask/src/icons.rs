//! Tests of the icons that `assets/icon/make_icons.py` makes of one drawing.

use std::collections::BTreeMap;
use std::fs;

use crate::root;

/// Width and height of a PNG, from its header.
fn png_size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

fn read(name: &str) -> Vec<u8> {
    fs::read(root().unwrap().join("assets/icon").join(name)).unwrap()
}

#[test]
fn every_size_is_a_picture_of_that_size() {
    for size in [16, 24, 32, 48, 64, 128, 256, 512] {
        assert_eq!(png_size(&read(&format!("residue-{size}.png"))), (size, size));
    }
}

/// Windows shows 16, 24, 32, 48 and 256 pixels, at one and one and a half pixels a point.
#[test]
fn the_windows_icon_holds_its_sizes() {
    let ico = read("residue.ico");
    assert_eq!(ico[..4], [0, 0, 1, 0]);
    let number = |at: usize| u32::from_le_bytes(ico[at..at + 4].try_into().unwrap()) as usize;
    let count = usize::from(ico[4]);
    let mut sizes = Vec::new();
    for entry in (0..count).map(|n| 6 + 16 * n) {
        let (length, offset) = (number(entry + 8), number(entry + 12));
        let (width, height) = png_size(&ico[offset..offset + length]);
        assert_eq!(width, height);
        assert_eq!(u32::from(ico[entry]), width % 256);
        assert_eq!(ico[offset..offset + length], read(&format!("residue-{width}.png")));
        sizes.push(width);
    }
    assert_eq!(sizes, [16, 24, 32, 48, 64, 128, 256]);
}

#[test]
fn the_mac_icon_holds_its_sizes() {
    let icns = read("residue.icns");
    let number = |at: usize| u32::from_be_bytes(icns[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&icns[..4], number(4)), (&b"icns"[..], icns.len()));
    let mut sizes = BTreeMap::new();
    let mut at = 8;
    while at < icns.len() {
        let name = String::from_utf8(icns[at..at + 4].to_vec()).unwrap();
        let length = number(at + 4);
        sizes.insert(name, png_size(&icns[at + 8..at + length]).0);
        at += length;
    }
    let expected = [
        ("ic07", 128),
        ("ic08", 256),
        ("ic09", 512),
        ("ic10", 1024),
        ("ic11", 32),
        ("ic12", 64),
        ("ic13", 256),
        ("ic14", 512),
    ];
    assert_eq!(sizes, expected.map(|(name, size)| (name.to_owned(), size)).into());
}

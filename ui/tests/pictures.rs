//! Every widget and view looks as it did: pictures drawn without a GPU, compared with `tests/pictures`.
//!
//! `RESIDUE_UPDATE_PICTURES=1 cargo test -p residue-ui --test pictures` draws them anew; look at what
//! changed before committing it.

mod support;

use std::path::{Path, PathBuf};

use residue_ui::Theme;
use support::picture::Picture;
use support::scenes::{Data, SCENES, draw};

/// Set to have the pictures drawn anew instead of compared.
const UPDATE: &str = "RESIDUE_UPDATE_PICTURES";
/// Largest difference of a channel that nobody sees.
const TOLERANCE: u8 = 12;
/// Share of pixels that may differ by more: rounding on edges differs between machines.
const OUTLIERS: f64 = 0.002;

/// With fewer colours, a step of which is less than the tolerance: the files are a third as large.
fn coarse(mut picture: Picture) -> Picture {
    picture.rgb.iter_mut().for_each(|channel| *channel &= 0xF8);
    picture
}

/// Compares with the picture of that name in `tests/pictures`; says how it looks different.
fn check(picture: &Picture, name: &str) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let expected = folder.join(name).with_extension("png");
    if std::env::var_os(UPDATE).is_some() {
        picture.write(&expected);
        return Ok(());
    }
    let problem = match Picture::read(&expected) {
        None => "is not there".to_owned(),
        Some(expected) => match difference(picture, &expected) {
            None => return Ok(()),
            Some(problem) => problem,
        },
    };
    let drawn = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("png");
    picture.write(&drawn);
    Err(format!("{} {problem}; drawn now: {}", expected.display(), drawn.display()))
}

/// How a picture looks different, if it does.
fn difference(picture: &Picture, expected: &Picture) -> Option<String> {
    let size = |picture: &Picture| (picture.width, picture.height);
    if size(picture) != size(expected) {
        return Some(format!("is {:?} pixels, not {:?}", size(expected), size(picture)));
    }
    let pixels = picture.rgb.chunks_exact(3).zip(expected.rgb.chunks_exact(3));
    let differs =
        |(a, b): &(&[u8], &[u8])| a.iter().zip(b.iter()).any(|(a, b)| a.abs_diff(*b) > TOLERANCE);
    let count = pixels.filter(differs).count();
    let most = (picture.width * picture.height) as f64 * OUTLIERS;
    (count as f64 > most).then(|| format!("differs in {count} pixels, at most {most:.0} may"))
}

#[test]
fn every_scene_looks_as_it_did_dark_and_light() {
    let mut problems = Vec::new();
    let mut data = Data::new();
    for (look, theme) in [("dark", Theme::DARK), ("light", Theme::LIGHT)] {
        for scene in &SCENES {
            let picture = coarse(draw(scene, &mut data, &theme, 1.0));
            problems.extend(check(&picture, &format!("{}-{look}", scene.name)).err());
        }
    }
    let advice = format!("look at them; if what is new is right, run this test with {UPDATE}=1");
    assert!(problems.is_empty(), "{}\n{advice}", problems.join("\n"));
}

#[test]
fn a_change_that_can_be_seen_is_found() {
    let before = Picture::new(100, 100);
    let mut after = before.clone();
    for x in 0..15 {
        after.blend(x, 50, [0.04; 4]);
    }
    assert_eq!(difference(&after, &before), None);
    for x in 0..25 {
        after.blend(x, 50, [0.5; 4]);
    }
    assert!(difference(&after, &before).unwrap().contains("25 pixels"));
    assert!(difference(&Picture::new(100, 99), &before).is_some());
}

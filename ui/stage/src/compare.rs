//! Whether something looks as it did.

use std::path::Path;

use crate::picture::Picture;

/// Variable of the environment that has pictures drawn anew instead of compared.
pub const UPDATE: &str = "RESIDUE_UPDATE_PICTURES";
/// Largest difference of a channel that nobody sees.
const TOLERANCE: u8 = 12;
/// Share of pixels that may differ by more: rounding on edges differs between machines.
const OUTLIERS: f64 = 0.002;

/// Compares with the picture in a file, or writes it there if [`UPDATE`] is set.
///
/// # Errors
/// What looks different, and where the picture was put that was drawn now.
pub fn compare(picture: &Picture, expected: &Path) -> Result<(), String> {
    let picture = coarse(picture);
    if std::env::var_os(UPDATE).is_some() {
        picture.write(expected);
        return Ok(());
    }
    let problem = match Picture::read(expected) {
        None => "is not there".to_owned(),
        Some(expected) => match difference(&picture, &expected) {
            None => return Ok(()),
            Some(problem) => problem,
        },
    };
    let name = expected.file_name().expect("a file");
    let drawn = std::env::temp_dir().join("residue-pictures").join(name);
    picture.write(&drawn);
    Err(format!("{} {problem}; drawn now: {}", expected.display(), drawn.display()))
}

/// With fewer colours, a step of which is less than the tolerance: the files are a third as large.
fn coarse(picture: &Picture) -> Picture {
    let mut picture = picture.clone();
    picture.rgb.iter_mut().for_each(|channel| *channel &= 0xF8);
    picture
}

/// How a picture looks different, if it does.
pub fn difference(picture: &Picture, expected: &Picture) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}

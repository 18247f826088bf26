//! Pictures that look as they did.

use std::path::Path;

use crate::Picture;

/// Set to have pictures drawn anew instead of compared.
pub const UPDATE: &str = "RESIDUE_UPDATE_PICTURES";
/// Largest difference of a channel that nobody sees.
const TOLERANCE: u8 = 12;
/// Share of pixels that may differ by more: rounding on edges differs between machines.
const OUTLIERS: f64 = 0.002;

/// Compares a picture with `folder`/`name`.png, or writes it there if [`UPDATE`] is set.
///
/// Colours are made coarser first, by steps smaller than what is tolerated: the files are a third as
/// large.
///
/// # Errors
/// How it looks different, and where in `temporary` the picture is that was drawn now.
pub fn compare(
    picture: &Picture,
    folder: &Path,
    name: &str,
    temporary: &Path,
) -> Result<(), String> {
    let picture = coarse(picture.clone());
    let expected = folder.join(name).with_extension("png");
    if std::env::var_os(UPDATE).is_some() {
        picture.write(&expected);
        return Ok(());
    }
    let problem = match Picture::read(&expected) {
        None => "is not there".to_owned(),
        Some(expected) => match difference(&picture, &expected) {
            None => return Ok(()),
            Some(problem) => problem,
        },
    };
    let drawn = temporary.join(name).with_extension("png");
    picture.write(&drawn);
    Err(format!("{} {problem}; drawn now: {}", expected.display(), drawn.display()))
}

/// Panics with all problems that [`compare`] found, and with what to do about them.
///
/// # Panics
/// If there are any.
pub fn report(problems: &[String]) {
    let advice = format!("look at them; if what is new is right, run this test with {UPDATE}=1");
    assert!(problems.is_empty(), "{}\n{advice}", problems.join("\n"));
}

/// With fewer colours.
fn coarse(mut picture: Picture) -> Picture {
    picture.rgb.iter_mut().for_each(|channel| *channel &= 0xF8);
    picture
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

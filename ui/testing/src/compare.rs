//! Pictures that look as they did.

use std::path::Path;

use crate::Picture;

/// Set to have pictures drawn anew instead of compared.
pub const UPDATE: &str = "RESIDUE_UPDATE_PICTURES";
/// Largest difference of a channel that does not count: nobody sees it.
const TOLERANCE: u8 = 12;
/// Pixels that differ and touch each other, at most: rounding on edges differs between machines, in
/// single pixels. A letter that is missing, or another one, is a larger region.
const LARGEST_REGION: usize = 4;
/// A picture of so many pixels may hold one that differs, twice as many two, and so on.
const PIXELS_PER_OUTLIER: usize = 10_000;

/// Compares a picture with `folder`/`name`.png, or writes it there if [`UPDATE`] is set.
///
/// Colors are made coarser first, by steps smaller than what is tolerated: the files are a third as
/// large.
///
/// # Errors
/// Where the picture looks different, and which files in `temporary` hold the picture drawn now and the
/// differences: red on a faint copy of what was expected.
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
        Some(before) => match difference(&picture, &before) {
            None => return Ok(()),
            Some(Difference { problem, regions }) => {
                let path = temporary.join(format!("{name}-difference.png"));
                marked(&before, &regions).write(&path);
                format!("{problem}; marked: {}", path.display())
            }
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

/// The picture with fewer colors.
fn coarse(mut picture: Picture) -> Picture {
    picture.rgb.iter_mut().for_each(|channel| *channel &= 0xF8);
    picture
}

/// A difference that can be seen.
struct Difference {
    problem: String,
    /// The pixels of each connected region that differs, as x and y; the largest region first.
    regions: Vec<Vec<[usize; 2]>>,
}

/// How a picture looks different, if it does.
fn difference(picture: &Picture, expected: &Picture) -> Option<Difference> {
    let size = |picture: &Picture| [picture.width, picture.height];
    if size(picture) != size(expected) {
        let problem = format!("is {:?} pixels, not {:?}", size(expected), size(picture));
        return Some(Difference { problem, regions: Vec::new() });
    }
    let regions = regions(picture, expected);
    let largest = regions.first()?;
    let all: usize = regions.iter().map(Vec::len).sum();
    let most = picture.width * picture.height / PIXELS_PER_OUTLIER;
    if largest.len() <= LARGEST_REGION && all <= most {
        return None;
    }
    let [x, y] = [0, 1].map(|n| {
        let along = || largest.iter().map(|at| at[n]);
        [along().min(), along().max()].map(Option::unwrap_or_default)
    });
    let problem = format!(
        "differs in {all} pixels ({most} may) in {} regions, the largest of {} pixels (each may have \
         {LARGEST_REGION}) at x {} to {}, y {} to {}",
        regions.len(),
        largest.len(),
        x[0],
        x[1],
        y[0],
        y[1],
    );
    Some(Difference { problem, regions })
}

/// The pixels that differ, by connected region: pixels that touch, also at a corner. The largest region
/// comes first.
fn regions(picture: &Picture, expected: &Picture) -> Vec<Vec<[usize; 2]>> {
    let (width, height) = (picture.width, picture.height);
    let pixels = picture.rgb.chunks_exact(3).zip(expected.rgb.chunks_exact(3));
    let differs = |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > TOLERANCE);
    let mut left: Vec<bool> = pixels.map(differs).collect();
    let mut regions = Vec::new();
    for start in 0..left.len() {
        if !std::mem::take(&mut left[start]) {
            continue;
        }
        let mut region = vec![[start % width, start / width]];
        let mut next = 0;
        while let Some(&[x, y]) = region.get(next) {
            next += 1;
            for y in y.saturating_sub(1)..(y + 2).min(height) {
                for x in x.saturating_sub(1)..(x + 2).min(width) {
                    if std::mem::take(&mut left[y * width + x]) {
                        region.push([x, y]);
                    }
                }
            }
        }
        regions.push(region);
    }
    regions.sort_by_key(|region| std::cmp::Reverse(region.len()));
    regions
}

/// A faint copy of a picture with regions in red.
fn marked(picture: &Picture, regions: &[Vec<[usize; 2]>]) -> Picture {
    let mut marked = picture.clone();
    marked.rgb.iter_mut().for_each(|channel| *channel = 64 + *channel / 4);
    for [x, y] in regions.iter().flatten() {
        marked.set(*x, *y, [255, 0, 0]);
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gray picture in which some pixels are lighter.
    fn picture(lighter: &[[usize; 2]], by: u8) -> Picture {
        let mut picture = Picture::new(200, 100);
        picture.rgb.fill(40);
        lighter.iter().for_each(|[x, y]| picture.set(*x, *y, [40 + by; 3]));
        picture
    }

    fn problem(lighter: &[[usize; 2]], by: u8) -> Option<String> {
        difference(&picture(lighter, by), &picture(&[], 0)).map(|found| found.problem)
    }

    #[test]
    fn differences_that_nobody_sees_pass() {
        let everywhere: Vec<_> = (0..20_000).map(|n| [n % 200, n / 200]).collect();
        assert_eq!(problem(&everywhere, TOLERANCE), None);
        assert_eq!(problem(&[[0, 0], [199, 99]], 200), None);
    }

    #[test]
    fn a_small_glyph_is_found_however_large_the_picture() {
        // A capital T, five by five pixels, in a picture of a window's size.
        let glyph = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [2, 1], [2, 2], [2, 3], [2, 4]];
        let before = Picture::new(1060, 720);
        let mut after = before.clone();
        glyph.iter().for_each(|[x, y]| after.set(500 + x, 300 + y, [200; 3]));
        let found = difference(&after, &before).expect("a difference").problem;
        assert!(found.contains("9 pixels") && found.contains("1 regions"), "{found}");
        assert!(found.contains("x 500 to 504, y 300 to 304"), "{found}");
        // The other way around: a letter that is gone.
        assert!(difference(&before, &after).is_some());
    }

    #[test]
    fn regions_are_bounded_and_so_is_their_sum() {
        let line = |length: usize| (0..length).map(|n| [10 + n, 10 + n]).collect::<Vec<_>>();
        let single = Picture::new(1000, 1000);
        let with = |pixels: &[[usize; 2]]| {
            let mut picture = single.clone();
            pixels.iter().for_each(|[x, y]| picture.set(*x, *y, [90; 3]));
            difference(&picture, &single).map(|found| found.problem)
        };
        assert_eq!(with(&line(LARGEST_REGION)), None);
        assert!(with(&line(LARGEST_REGION + 1)).is_some(), "corners connect");
        let apart = |count: usize| (0..count).map(|n| [3 * n, 7]).collect::<Vec<_>>();
        assert_eq!(with(&apart(100)), None);
        assert!(with(&apart(101)).unwrap().contains("101 pixels (100 may) in 101 regions"));
    }

    #[test]
    fn sizes_must_be_equal() {
        assert!(difference(&Picture::new(100, 99), &Picture::new(100, 100)).is_some());
    }

    #[test]
    fn a_failure_leaves_both_pictures_to_look_at() {
        let folder = std::env::temp_dir().join(format!("residue-compare-{}", std::process::id()));
        let (before, after) = (folder.join("before"), folder.join("after"));
        let block: Vec<_> = (0..25).map(|n| [50 + n % 5, 60 + n / 5]).collect();
        picture(&[], 0).write(&before.join("view.png"));
        let problem = compare(&picture(&block, 100), &before, "view", &after).unwrap_err();
        assert!(
            problem.contains("largest of 25 pixels") && problem.contains("x 50 to 54, y 60 to 64")
        );
        let marked = Picture::read(&after.join("view-difference.png")).expect("a file");
        assert_eq!([marked.get(52, 62), marked.get(0, 0)], [[255, 0, 0], [74; 3]]);
        assert_eq!(Picture::read(&after.join("view.png")).expect("a file").get(52, 62), [136; 3]);
        assert_eq!(compare(&picture(&[], 3), &before, "view", &after), Ok(()));
        std::fs::remove_dir_all(folder).expect("the folder is ours");
    }
}

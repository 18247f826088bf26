//! What goes where.

use super::PictureError;
use super::axes::{Tick, frequency_ticks, time_ticks};
use super::canvas::Picture;
use super::colour::{self, Scale};
use super::levels::Levels;
use super::text::{Align, Fonts, Style};

/// Width of a spectrogram in pixels: with as many columns, a pixel shows one column.
pub const PANEL_WIDTH: usize = 860;
/// Height of a spectrogram in pixels: with as many rows, a pixel shows one row.
pub const PANEL_HEIGHT: usize = 232;

/// Left of the first column: frequency labels.
const LEFT: usize = 92;
/// Between the columns.
const GAP: usize = 26;
/// Right of the second column.
const RIGHT: usize = 36;
/// Above the first row's caption.
const HEADER: usize = 104;
/// Above each panel.
const CAPTION: usize = 40;
/// Below each panel.
const ROW_GAP: usize = 18;
/// Below the last row: time labels.
const FOOTER: usize = 44;

/// Left edges of both columns.
const COLUMNS: [usize; 2] = [LEFT, LEFT + PANEL_WIDTH + GAP];
/// Rows that keep the picture within what viewers open without trouble.
const MAX_ROWS: usize = 64;
/// Pixels between frequency labels at least.
const TICK_GAP: f64 = 16.0;
/// Decibels from the darkest to the lightest colour.
const RANGE: f32 = 80.0;

/// One decoded version.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What it is, for instance `depth 4 · 0.5 kbps`.
    pub label: &'a str,
    /// Its numbers, for instance `mel distance 0.42   SI-SDR 3.1 dB`.
    pub numbers: &'a str,
    /// Numbers of the difference, for instance `-23.1 LUFS`; may be empty.
    pub difference_numbers: &'a str,
    /// What was decoded.
    pub decoded: Levels<'a>,
    /// What is missing or added: the original minus what was decoded.
    pub difference: Levels<'a>,
}

/// Everything on the picture. All levels are on the same axes.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// In large letters, for instance the model's name.
    pub title: &'a str,
    /// Below the title: the clip and what is worth saying about it.
    pub subtitle: &'a str,
    /// Length of the time axis in seconds, above 0.
    pub seconds: f64,
    /// Lowest frequency in hertz, above 0.
    pub lowest: f64,
    /// Highest frequency in hertz, above `lowest`.
    pub highest: f64,
    /// Caption of the original's row, after the word: its rate and channels, for instance.
    pub original_note: &'a str,
    /// The original.
    pub original: Levels<'a>,
    /// The decoded versions, top to bottom, 64 at most.
    pub rows: Vec<Row<'a>>,
}

impl Comparison<'_> {
    /// Draws the picture. Takes a few tens of milliseconds a row; not realtime-safe.
    ///
    /// The colour scale covers 80 dB down from the original's highest level, rounded up to 10 dB.
    ///
    /// # Errors
    ///
    /// [`PictureError`] if levels or axes have no extent, or there are too many rows.
    pub fn draw(&self) -> Result<Picture, PictureError> {
        self.check()?;
        let fonts = Fonts::load()?;
        let height = HEADER
            + (self.rows.len() + 1) * (CAPTION + PANEL_HEIGHT)
            + self.rows.len() * ROW_GAP
            + FOOTER;
        let width = COLUMNS[1] + PANEL_WIDTH + RIGHT;
        let mut page = Page {
            picture: Picture::new(width, height, colour::BACKGROUND),
            scale: self.scale(),
            times: time_ticks(self.seconds, 9),
            frequencies: frequency_ticks(self.lowest, self.highest, TICK_GAP / PANEL_HEIGHT as f64),
            fonts,
        };

        page.header(self.title, self.subtitle);
        let top = HEADER;
        page.caption(0, top, "original", self.original_note);
        page.panel(0, top + CAPTION, &self.original, self.rows.is_empty());
        page.legend(top + CAPTION, self.rows.is_empty());
        for (index, row) in self.rows.iter().enumerate() {
            let top = HEADER + (index + 1) * (CAPTION + PANEL_HEIGHT + ROW_GAP);
            let last = index + 1 == self.rows.len();
            page.caption(0, top, row.label, row.numbers);
            page.caption(1, top, "left behind", row.difference_numbers);
            page.panel(0, top + CAPTION, &row.decoded, last);
            page.panel(1, top + CAPTION, &row.difference, last);
        }
        Ok(page.picture)
    }

    fn check(&self) -> Result<(), PictureError> {
        if self.rows.len() > MAX_ROWS {
            return Err(PictureError::TooManyRows { found: self.rows.len(), most: MAX_ROWS });
        }
        let axes = |reason: String| Err(PictureError::Axes { reason });
        // Comparisons that NaN fails too.
        if !(self.seconds > 0.0 && self.seconds.is_finite()) {
            return axes(format!("found a length of {} s, expected more than 0", self.seconds));
        }
        if !(self.lowest > 0.0 && self.lowest < self.highest && self.highest.is_finite()) {
            return axes(format!(
                "found frequencies from {} to {} Hz, expected 0 < lowest < highest",
                self.lowest, self.highest
            ));
        }
        self.original.check("original")?;
        for row in &self.rows {
            row.decoded.check(row.label)?;
            row.difference.check(&format!("{}, difference", row.label))?;
        }
        Ok(())
    }

    fn scale(&self) -> Scale {
        let peak = self.original.peak().unwrap_or(0.0).clamp(-60.0, 60.0);
        let ceiling = (peak / 10.0).ceil() * 10.0;
        Scale::new(ceiling - RANGE, ceiling)
    }
}

/// A picture in the making.
struct Page {
    picture: Picture,
    scale: Scale,
    times: Vec<Tick>,
    frequencies: Vec<Tick>,
    fonts: Fonts,
}

impl Page {
    fn header(&mut self, title: &str, subtitle: &str) {
        let room = (self.picture.width() - LEFT - RIGHT) as f32;
        let style = Style { font: &self.fonts.words, size: 42.0, colour: colour::TEXT };
        let text = style.shorten(title, room);
        style.draw(&mut self.picture, &text, LEFT as f32, 52.0, Align::Left);
        let style = Style { font: &self.fonts.words, size: 20.0, colour: colour::QUIET_TEXT };
        let text = style.shorten(subtitle, room);
        style.draw(&mut self.picture, &text, LEFT as f32, 84.0, Align::Left);
    }

    /// The line above a panel: `label` at its left, `numbers` at its right.
    fn caption(&mut self, column: usize, top: usize, label: &str, numbers: &str) {
        let (left, right) = (COLUMNS[column] as f32, (COLUMNS[column] + PANEL_WIDTH) as f32);
        let baseline = (top + CAPTION - 12) as f32;
        let style = Style { font: &self.fonts.numbers, size: 16.0, colour: colour::QUIET_TEXT };
        let text = style.shorten(numbers, (PANEL_WIDTH * 3 / 5) as f32);
        let left_room = PANEL_WIDTH as f32 - style.width(&text) - 20.0;
        style.draw(&mut self.picture, &text, right, baseline, Align::Right);
        // The left column leads, the right one follows.
        let colour = if column == 0 { colour::TEXT } else { colour::QUIET_TEXT };
        let style = Style { font: &self.fonts.words, size: 22.0, colour };
        let text = style.shorten(label, left_room);
        style.draw(&mut self.picture, &text, left, baseline, Align::Left);
    }

    /// A spectrogram with its grid; time labels below if `labelled`.
    fn panel(&mut self, column: usize, top: usize, levels: &Levels<'_>, labelled: bool) {
        let left = COLUMNS[column];
        let fitted = levels.fit(PANEL_WIDTH, PANEL_HEIGHT);
        for (y, row) in fitted.chunks_exact(PANEL_WIDTH).enumerate() {
            for (x, &level) in row.iter().enumerate() {
                self.picture.set(left + x, top + y, self.scale.colour(level));
            }
        }
        let numbers = Style { font: &self.fonts.numbers, size: 14.0, colour: colour::QUIET_TEXT };
        for tick in &self.frequencies {
            let y = top + ((1.0 - tick.part) * (PANEL_HEIGHT - 1) as f64).round() as usize;
            if (0.001..0.999).contains(&tick.part) {
                self.picture.fill(left, y, PANEL_WIDTH, 1, colour::GRID, colour::GRID_OPACITY);
            }
            if column == 0 {
                self.picture.fill(left - 6, y, 5, 1, colour::TICK, 1.0);
                let baseline = y as f32 + numbers.half_height();
                let x = (left - 12) as f32;
                numbers.draw(&mut self.picture, &tick.label, x, baseline, Align::Right);
            }
        }
        for (index, tick) in self.times.iter().enumerate() {
            let x = left + (tick.part * (PANEL_WIDTH - 1) as f64).round() as usize;
            if (0.001..0.999).contains(&tick.part) {
                self.picture.fill(x, top, 1, PANEL_HEIGHT, colour::GRID, colour::GRID_OPACITY);
            }
            if !labelled {
                continue;
            }
            self.picture.fill(x, top + PANEL_HEIGHT + 1, 1, 5, colour::TICK, 1.0);
            // Labels at the ends stay within their panel, away from the neighbour's.
            let align = match index {
                0 => Align::Left,
                _ if tick.part > 0.97 => Align::Right,
                _ => Align::Centre,
            };
            let x = x as f32 + if index == 0 { -1.0 } else { 0.0 };
            let baseline = (top + PANEL_HEIGHT + 24) as f32;
            numbers.draw(&mut self.picture, &tick.label, x, baseline, align);
        }
    }

    /// Beside the original: how to read the picture, and the colour scale.
    fn legend(&mut self, top: usize, alone: bool) {
        let left = COLUMNS[1];
        let words = Style { font: &self.fonts.words, size: 20.0, colour: colour::QUIET_TEXT };
        let lines: &[&str] = if alone {
            &["Time runs to the right, pitch to the top."]
        } else {
            &[
                "Left: what comes out of the decoder, depth by depth.",
                "Right: what it leaves behind, the original minus the left.",
                "The darker the right side, the closer the copy.",
            ]
        };
        for (index, line) in lines.iter().enumerate() {
            let baseline = (top + 18 + index * 30) as f32;
            words.draw(&mut self.picture, line, left as f32, baseline, Align::Left);
        }

        let (bar_width, bar_height) = (PANEL_WIDTH * 3 / 5, 16);
        let bar_top = top + 34 + lines.len() * 30;
        let (floor, ceiling) = self.scale.range();
        // The dark end would be lost in the background without an outline.
        self.picture.fill(left - 1, bar_top - 1, bar_width + 2, bar_height + 2, colour::TICK, 0.3);
        for x in 0..bar_width {
            let level = floor + (ceiling - floor) * x as f32 / (bar_width - 1) as f32;
            self.picture.fill(left + x, bar_top, 1, bar_height, self.scale.colour(level), 1.0);
        }
        let numbers = Style { font: &self.fonts.numbers, size: 14.0, colour: colour::QUIET_TEXT };
        let steps = (RANGE / 20.0) as usize;
        for step in 0..=steps {
            let x = left + step * (bar_width - 1) / steps;
            self.picture.fill(x, bar_top + bar_height + 1, 1, 5, colour::TICK, 1.0);
            let level = floor + 20.0 * step as f32;
            let label = if level < 0.0 { format!("−{}", -level) } else { format!("{level}") };
            let align = if step == 0 { Align::Left } else { Align::Centre };
            let baseline = (bar_top + bar_height + 24) as f32;
            numbers.draw(&mut self.picture, &label, x as f32, baseline, align);
        }
        let baseline = (bar_top + bar_height + 24) as f32;
        let x = (left + bar_width + 24) as f32;
        numbers.draw(&mut self.picture, "dBFS", x, baseline, Align::Left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(db: &[f32]) -> Levels<'_> {
        Levels { width: 40, height: 10, db }
    }

    fn comparison<'a>(db: &'a [f32], label: &'a str, rows: usize) -> Comparison<'a> {
        let row = Row {
            label,
            numbers: label,
            difference_numbers: label,
            decoded: levels(db),
            difference: levels(db),
        };
        Comparison {
            title: label,
            subtitle: label,
            seconds: 7.87,
            lowest: 40.0,
            highest: 20_000.0,
            original_note: label,
            original: levels(db),
            rows: vec![row; rows],
        }
    }

    fn assert_text_is_apart_and_inside(picture: &Picture) {
        let texts = picture.texts();
        for (index, a) in texts.iter().enumerate() {
            let inside = a.left >= 4.0
                && a.top >= 4.0
                && a.right <= picture.width() as f32 - 4.0
                && a.bottom <= picture.height() as f32 - 4.0;
            assert!(inside, "{a:?} is outside {} x {}", picture.width(), picture.height());
            for b in &texts[index + 1..] {
                let apart = a.right <= b.left
                    || b.right <= a.left
                    || a.bottom <= b.top
                    || b.bottom <= a.top;
                assert!(apart, "{a:?} overlaps {b:?}");
            }
        }
    }

    #[test]
    fn text_stays_apart_and_inside_for_any_number_of_depths() {
        let db: Vec<f32> = (0..400).map(|i| -(i as f32) / 4.0).collect();
        for rows in 0..=8 {
            let picture = comparison(&db, "depth 4 · 2.0 kbps", rows).draw().unwrap();
            let height =
                HEADER + FOOTER - ROW_GAP + (rows + 1) * (CAPTION + PANEL_HEIGHT + ROW_GAP);
            assert_eq!((picture.width(), picture.height()), (1874, height));
            assert_eq!(picture.pixels().len(), 1874 * height * 3);
            assert_text_is_apart_and_inside(&picture);
        }
    }

    #[test]
    fn text_stays_apart_and_inside_whatever_it_says() {
        let db: Vec<f32> = (0..400).map(|i| -(i as f32) / 4.0).collect();
        let long = "a very long name ".repeat(40);
        for label in [&long, "", "\n\t"] {
            assert_text_is_apart_and_inside(&comparison(&db, label, 1).draw().unwrap());
        }
        for seconds in [0.0003, 0.2, 1.0, 59.9, 600.0, 20_000.0] {
            for (lowest, highest) in [(40.0, 20_000.0), (40.0, 500.0), (1.0, 384_000.0)] {
                let sound = comparison(&db, "x", 0);
                let picture = Comparison { seconds, lowest, highest, ..sound }.draw().unwrap();
                assert_text_is_apart_and_inside(&picture);
            }
        }
    }

    #[test]
    fn panels_show_the_levels_in_place() {
        let mut db = vec![-120.0; 400];
        db[0] = -10.0;
        let picture = comparison(&db, "x", 1).draw().unwrap();
        let at = |x: usize, y: usize| {
            let start = (y * picture.width() + x) * 3;
            [picture.pixels()[start], picture.pixels()[start + 1], picture.pixels()[start + 2]]
        };
        let scale = Scale::new(-90.0, -10.0);
        let rows = [HEADER + CAPTION, HEADER + 2 * CAPTION + PANEL_HEIGHT + ROW_GAP];
        for (column, row) in [(0, rows[0]), (0, rows[1]), (1, rows[1])] {
            // The loud level is at the top left; off the grid lines at the very edge.
            assert_eq!(at(COLUMNS[column] + 3, row + 5), scale.colour(-10.0));
            assert_eq!(at(COLUMNS[column] + PANEL_WIDTH - 9, row + 229), scale.colour(-120.0));
        }
    }

    #[test]
    fn pictures_are_png_files_and_failures_name_the_path() {
        let db = vec![-30.0; 400];
        let picture = comparison(&db, "x", 1).draw().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.png");
        picture.save(&path).unwrap();
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(
            (info.width as usize, info.height as usize),
            (picture.width(), picture.height())
        );
        assert_eq!(pixels, picture.pixels());
        let error = picture.save(&folder.path().join("missing/out.png")).unwrap_err();
        assert!(error.to_string().contains("missing/out.png"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let db = vec![f32::NAN; 400];
        assert!(comparison(&db, "x", 2).draw().is_ok(), "NaN is silence");
        let sound = comparison(&db, "x", 2);
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Comparison { seconds, ..sound.clone() }.draw().is_err());
        }
        for (lowest, highest) in [(0.0, 10.0), (10.0, 10.0), (10.0, f64::NAN)] {
            assert!(Comparison { lowest, highest, ..sound.clone() }.draw().is_err());
        }
        assert!(comparison(&db[1..], "x", 1).draw().is_err());
        let error = comparison(&db, "x", 65).draw().err().unwrap();
        assert!(error.to_string().contains("65"), "{error}");
    }
}

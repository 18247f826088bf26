//! The picture of `residue compare`: what each depth keeps and what it leaves behind.
//!
//! One row a depth: on the left the spectrogram of the decoded audio, on the right that of the
//! difference from the original, all on one time axis, one logarithmic frequency axis and one scale of
//! levels. The original is on top. It is an egui layout of the pieces that the window's spectrograms
//! consist of, drawn off-screen.

use std::ops::RangeInclusive;

use egui::{
    Align, Align2, Color32, ColorImage, Label, Layout, Pos2, RawInput, Rect, RichText, StrokeKind,
    TextureHandle, TextureOptions, Ui, UiBuilder, Vec2, pos2, vec2,
};
use residue_engine::audio::Audio;
use residue_engine::measure::{MeasureError, Spectrogram, SpectrogramView};
use residue_raster::Offscreen;
use residue_ui::text::minus;
use residue_ui::theme::{self, size};
use residue_ui::{
    ColorMap, FrequencyAxis, Lane, Theme, frequency_grid, frequency_scale, level_scale, time_axis,
    time_grid,
};

/// Top of the frequency axis in hertz, unless half the sample rate lies below.
const HIGHEST: f64 = 20_000.0;
/// Decibels from the faintest to the strongest color.
const RANGE: f32 = 80.0;

/// Pixels a point. Everything below is in points.
const SCALE: f32 = 2.0;
/// Size of a spectrogram.
const PANEL: Vec2 = vec2(430.0, 140.0);
/// Left of the first column: frequency labels.
const LEFT: f32 = 38.0;
/// Left edges of the columns.
const COLUMNS: [f32; 2] = [LEFT, LEFT + PANEL.x + 14.0];
/// Width of the picture.
const WIDTH: f32 = COLUMNS[1] + PANEL.x + 18.0;
/// Above the first row.
const HEADER: f32 = 60.0;
/// Above each spectrogram.
const CAPTION: f32 = 22.0;
/// From the top of a row to that of the next.
const ROW: f32 = CAPTION + PANEL.y + 10.0;
/// Below the last row: time labels.
const FOOTER: f32 = 14.0;
/// Size of the title's letters.
const TITLE: f32 = 20.0;

/// The text on a comparison's picture.
pub struct ComparisonCaptions {
    /// In large letters.
    pub title: String,
    /// Below the title.
    pub subtitle: String,
    /// Rate and channels of the original.
    pub original: String,
    /// The order of the rows in words: `depth by depth`.
    pub order: &'static str,
    /// Label and distances of each row.
    pub rows: Vec<(String, String)>,
}

/// A picture that cannot be drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonPictureError {
    /// The audio has no spectrogram.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The image cannot be encoded.
    #[error("the picture cannot be encoded: {0}")]
    Encode(#[from] png::EncodingError),
}

/// The axes and the colors of all spectrograms of a picture.
struct Axes {
    seconds: f64,
    /// Hertz.
    range: RangeInclusive<f64>,
    /// Level in dBFS of the faintest color.
    low: f32,
    theme: Theme,
    map: ColorMap,
}

/// A depth's spectrograms, and the power of the difference in words.
struct Panels {
    decoded: TextureHandle,
    difference: TextureHandle,
    level: String,
}

/// Draws `original` and each of `decoded`, a row each. Takes tenths of a second a row.
///
/// The scale of levels covers 80 dB down from the original's highest level, rounded up to 10 dB.
///
/// # Errors
/// [`ComparisonPictureError::Measure`] if audio is empty or not finite.
pub fn draw(
    captions: &ComparisonCaptions,
    original: &Audio,
    decoded: &[Audio],
) -> Result<ColorImage, ComparisonPictureError> {
    let [width, height] = [PANEL.x * SCALE, PANEL.y * SCALE].map(|pixels| pixels as usize);
    let mut view = SpectrogramView::new(width, height);
    view.fmax = HIGHEST.min(f64::from(original.rate) / 2.0).max(view.fmin * 2.0);
    // 43 ms at any rate.
    view.window = (f64::from(original.rate) * 2048.0 / 48_000.0).round().max(2.0) as usize;
    let first = Spectrogram::of(original, &view)?;
    let theme = Theme::DARK;
    let axes = Axes {
        seconds: original.seconds(),
        range: view.fmin..=view.fmax,
        low: highest(&first) - RANGE,
        map: ColorMap::of(&theme),
        theme,
    };

    let size = vec2(WIDTH, HEADER + (decoded.len() + 1) as f32 * ROW + FOOTER);
    let mut offscreen = Offscreen::new(size, SCALE);
    let ctx = offscreen.context().clone();
    Theme::install(&ctx);
    ctx.set_theme(egui::Theme::Dark);
    let texture = |spectrogram: &Spectrogram| {
        ctx.load_texture("spectrogram", axes.image(spectrogram), TextureOptions::NEAREST)
    };
    let rows = decoded
        .iter()
        .map(|decoded| {
            let difference = difference(original, decoded);
            Ok(Panels {
                decoded: texture(&Spectrogram::of(decoded, &view)?),
                difference: texture(&Spectrogram::of(&difference, &view)?),
                level: level(&difference, original),
            })
        })
        .collect::<Result<Vec<_>, MeasureError>>()?;
    let first = texture(&first);
    Ok(offscreen.frame(RawInput::default(), |ui| {
        ui.painter().rect_filled(ui.max_rect(), 0, theme.background);
        page(ui, &axes, captions, &first, &rows);
    }))
}

/// Returns an opaque image as the bytes of a PNG file.
///
/// # Errors
/// [`ComparisonPictureError::Encode`].
pub fn png(image: &ColorImage) -> Result<Vec<u8>, ComparisonPictureError> {
    let rgb: Vec<u8> = image.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    let [width, height] = image.size.map(|pixels| pixels as u32);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}

impl Axes {
    /// The colors of a spectrogram.
    fn image(&self, spectrogram: &Spectrogram) -> ColorImage {
        let color = |level: &f32| self.map.at((level - self.low) / RANGE);
        let pixels = spectrogram.levels().iter().map(color).collect();
        ColorImage::new([spectrogram.width(), spectrogram.height()], pixels)
    }
}

/// The top of the scale of levels, in dBFS.
fn highest(original: &Spectrogram) -> f32 {
    let levels = original.levels().iter().copied();
    let peak = levels.filter(|level| level.is_finite()).reduce(f32::max).unwrap_or(0.0);
    (peak.clamp(-60.0, 60.0) / 10.0).ceil() * 10.0
}

/// The original minus the decoded audio.
fn difference(original: &Audio, decoded: &Audio) -> Audio {
    let planes = original.channels.iter().zip(&decoded.channels);
    let channels = planes.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect();
    Audio::new(original.rate, channels)
}

/// The power of the difference relative to the original's, in words; nothing where one is silent.
fn level(difference: &Audio, original: &Audio) -> String {
    let power =
        |audio: &Audio| audio.channels.iter().flatten().map(|x| f64::from(*x).powi(2)).sum();
    let (left, all): (f64, f64) = (power(difference), power(original));
    if all > 0.0 && left > 0.0 {
        minus(&format!("{:.1} dB against the original", 10.0 * (left / all).log10() + 0.0))
    } else {
        String::new()
    }
}

fn page(
    ui: &mut Ui,
    axes: &Axes,
    captions: &ComparisonCaptions,
    original: &TextureHandle,
    rows: &[Panels],
) {
    let Theme { text, weak, .. } = axes.theme;
    let width = WIDTH - LEFT - 18.0;
    let mut line = |y: f32, height: f32, words: &str, size: f32, color: Color32| {
        let rect = Rect::from_min_size(pos2(LEFT, y), vec2(width, height));
        caption(ui, rect, RichText::new(one_line(words)).size(size).color(color), "", weak);
    };
    line(8.0, 26.0, &captions.title, TITLE, text);
    line(34.0, 18.0, &captions.subtitle, size::BODY, weak);

    let top = row_top(0);
    let label = RichText::new("original").color(text);
    caption(ui, caption_rect(0, top), label, &captions.original, weak);
    panel(ui, axes, 0, top, original, rows.is_empty());
    let at = pos2(LEFT - 4.0, top + CAPTION);
    ui.painter().text(at, Align2::RIGHT_CENTER, "Hz", theme::small(), weak);
    legend(ui, axes, top, captions.order);
    for (n, (row, (label, numbers))) in rows.iter().zip(&captions.rows).enumerate() {
        let top = row_top(n + 1);
        let last = n + 1 == rows.len();
        let label = RichText::new(one_line(label)).color(text);
        caption(ui, caption_rect(0, top), label, numbers, weak);
        panel(ui, axes, 0, top, &row.decoded, last);
        let label = RichText::new("left behind").color(axes.theme.lane(Lane::Difference));
        caption(ui, caption_rect(1, top), label, &row.level, weak);
        panel(ui, axes, 1, top, &row.difference, last);
    }
}

/// The top of a row; the original's is row 0.
fn row_top(row: usize) -> f32 {
    HEADER + row as f32 * ROW
}

fn caption_rect(column: usize, top: f32) -> Rect {
    Rect::from_min_size(pos2(COLUMNS[column], top), vec2(PANEL.x, CAPTION))
}

fn panel_rect(column: usize, top: f32) -> Rect {
    Rect::from_min_size(pos2(COLUMNS[column], top + CAPTION), PANEL)
}

/// A line of text: `label` at the left, shortened where it must be, `numbers` at the right.
fn caption(ui: &mut Ui, rect: Rect, label: RichText, numbers: &str, weak: Color32) {
    let layout = Layout::right_to_left(Align::Center);
    ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), |ui| {
        if !numbers.is_empty() {
            let numbers = RichText::new(one_line(numbers)).color(weak);
            ui.add(Label::new(numbers).truncate());
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(label).truncate());
        });
    });
}

/// Text without line breaks and tabs, which a file's name may hold.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A spectrogram with its grid; frequencies beside the first column, times below the last row.
fn panel(ui: &Ui, axes: &Axes, column: usize, top: f32, image: &TextureHandle, last: bool) {
    let (painter, theme) = (ui.painter(), &axes.theme);
    let rect = panel_rect(column, top);
    let all = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    painter.image(image.id(), rect, all, Color32::WHITE);
    let scale = if column == 0 { frequency_scale } else { frequency_grid };
    scale(painter, theme, rect, FrequencyAxis::Log, &axes.range);
    time_grid(painter, theme, rect, axes.seconds);
    painter.rect_stroke(rect, 0, theme.outline(), StrokeKind::Outside);
    if last {
        time_axis(painter, theme, rect, axes.seconds);
    }
}

/// Beside the original: the scale of levels, and how to read the picture.
fn legend(ui: &mut Ui, axes: &Axes, top: f32, order: &str) {
    let theme = &axes.theme;
    let rect = panel_rect(1, top);
    let bar = Rect::from_min_size(rect.min, vec2(7.0, rect.height()));
    level_scale(ui.painter(), theme, &axes.map, bar, axes.low, axes.low + RANGE);
    let at = pos2(bar.left(), top + CAPTION / 2.0);
    ui.painter().text(at, Align2::LEFT_CENTER, "dBFS", theme::small(), theme.weak);
    let words = Rect::from_min_max(rect.min + vec2(56.0, 0.0), rect.max);
    ui.scope_builder(UiBuilder::new().max_rect(words), |ui| {
        for line in [
            &format!("Left: what comes out of the decoder, {order}."),
            "Right: what it leaves behind, the original minus the left.",
            "The darker the right side, the closer the copy.",
        ] {
            ui.label(RichText::new(line).color(theme.weak));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quarter of a second of a tone of 2 kHz that starts halfway.
    fn tone(gain: f32) -> Audio {
        let sample = |n: usize| {
            if n < 3000 { 0.0 } else { gain * (n as f32 * std::f32::consts::FRAC_PI_6).sin() }
        };
        Audio::new(24_000, vec![(0..6000).map(sample).collect()])
    }

    fn captions(text: &str, rows: usize) -> ComparisonCaptions {
        let row = (text.to_owned(), "mel distance 1.23".to_owned());
        ComparisonCaptions {
            title: text.to_owned(),
            subtitle: text.to_owned(),
            original: "24000 Hz, mono".into(),
            order: "depth by depth",
            rows: vec![row; rows],
        }
    }

    fn pixels(points: f32) -> usize {
        (points * SCALE).round() as usize
    }

    /// Whether two images look the same within a rectangle in points: glyphs at other places of the
    /// font's texture are rounded in another way.
    fn equal(a: &ColorImage, b: &ColorImage, rect: Rect) -> bool {
        let columns = pixels(rect.left())..pixels(rect.right());
        let mut places = (pixels(rect.top())..pixels(rect.bottom()))
            .flat_map(|y| columns.clone().map(move |x| (x, y)));
        places.all(|at| {
            let mut channels = a[at].to_array().into_iter().zip(b[at].to_array());
            channels.all(|(a, b)| a.abs_diff(b) <= 2)
        })
    }

    #[test]
    fn the_picture_grows_by_a_row_a_depth() {
        for rows in [1, 3] {
            let image = draw(&captions("depth 4", rows), &tone(0.5), &vec![tone(0.4); rows]);
            let height = HEADER + (rows + 1) as f32 * ROW + FOOTER;
            assert_eq!(image.unwrap().size, [pixels(WIDTH), pixels(height)]);
        }
    }

    #[test]
    fn spectrograms_show_their_levels_where_they_belong() {
        let image = draw(&captions("depth 4", 1), &tone(0.5), &[tone(0.25)]).unwrap();
        let map = ColorMap::of(&Theme::DARK);
        // 2 kHz lies between the lines of the grid, and so do the places left and right.
        let height = FrequencyAxis::Log.position(2000.0, &(40.0..=12_000.0)) as f32;
        let y = |row: usize| panel_rect(0, row_top(row)).top() + PANEL.y * height;
        let at = |column: usize, row: usize, share: f32| {
            image[(pixels(COLUMNS[column] + PANEL.x * share), pixels(y(row)))]
        };
        for (column, row) in [(0, 0), (0, 1), (1, 1)] {
            assert_eq!(at(column, row, 0.21), map.at(0.0), "silence before the tone");
        }
        // A sine of half the scale: -6 dBFS on a scale from -80 to 0; half of it is 6 dB less.
        let shares = [at(0, 0, 0.83), at(0, 1, 0.83), at(1, 1, 0.83)];
        let lightness = shares.map(|color| color.r() as u32 + color.g() as u32 + color.b() as u32);
        assert!(lightness[0] > lightness[1] && lightness[1] > 200, "{shares:?}");
        assert_eq!(shares[1], shares[2], "half of it is left behind");
    }

    #[test]
    fn long_and_odd_texts_stay_within_their_lines() {
        let long = "a very long name ".repeat(40);
        let draw = |text: &str| draw(&captions(text, 1), &tone(0.5), &[tone(0.25)]).unwrap();
        let plain = draw("x");
        for text in [long.as_str(), "", "\n\t", "line\nbreak"] {
            let image = draw(text);
            let size = vec2(WIDTH, HEADER + 2.0 * ROW + FOOTER);
            let panels = Rect::from_min_max(pos2(0.0, HEADER), pos2(WIDTH, row_top(1)));
            let left = Rect::from_min_max(pos2(0.0, HEADER), pos2(LEFT, size.y));
            let right = Rect::from_min_max(pos2(COLUMNS[1], HEADER), size.to_pos2());
            let below = Rect::from_min_max(pos2(0.0, row_top(1) + CAPTION), size.to_pos2());
            let margin = Rect::from_min_max(pos2(WIDTH - 17.0, 0.0), size.to_pos2());
            for rect in [panels, left, right, below, margin] {
                assert!(equal(&image, &plain, rect), "{text:?} reaches into {rect}");
            }
        }
        assert!(!equal(&plain, &draw(&long), Rect::from_min_max(Pos2::ZERO, pos2(WIDTH, HEADER))));
    }

    #[test]
    fn silence_and_any_rate_can_be_drawn_and_what_has_no_samples_not() {
        for rate in [8000, 96_000] {
            let silence = Audio::silence(rate, 2, 1000);
            assert!(draw(&captions("x", 1), &silence, std::slice::from_ref(&silence)).is_ok());
        }
        let nothing = Audio::silence(48_000, 1, 0);
        assert!(draw(&captions("x", 0), &nothing, &[]).is_err());
    }

    #[test]
    fn png_files_hold_the_image() {
        let image = draw(&captions("x", 1), &tone(0.5), &[tone(0.25)]).unwrap();
        let file = std::io::Cursor::new(super::png(&image).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        assert_eq!([info.width as usize, info.height as usize], image.size);
        let drawn = image.pixels.iter().map(|pixel| [pixel.r(), pixel.g(), pixel.b()]);
        assert!(rgb.chunks_exact(3).eq(drawn));
    }
}

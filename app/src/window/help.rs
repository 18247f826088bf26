//! What depth, bitrate and latency are, and all keys.

use egui::{Grid, RichText, ScrollArea, Ui};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::keys::TABLE;

/// Widest a text is easy to read, in points.
const WIDTH: f32 = 620.0;

/// Three sentences each.
pub const TEXTS: [(&str, &str); 3] = [
    (
        "Depth",
        "The encoder describes each frame of sound by a vector, and the residual quantizer writes \
         that vector as a sum of codebook entries, one a layer, each of which corrects what the \
         layers before it left over. Depth is the number of layers that are kept: the first carry \
         what matters most, the rest ever finer detail. Lanes A and B decode the same codes at two \
         depths, and the residue is what a lane has lost against dry.",
    ),
    (
        "Bitrate",
        "Every layer costs the same: one entry of 1024, so ten bits, a frame and stream. The \
         bitrate is these bits times layers times frames a second, and says nothing of the sound by \
         itself. Entries that come often carry less than ten bits; the codebook view shows how many \
         the codes really carry.",
    ),
    (
        "Latency",
        "The codec codes whole frames, so the first sample of a frame waits for its last. To that \
         come the time to compute, the filters between two rates, and what the devices hold in \
         their buffers: the latency view shows each. Dry, A and B are late alike, to the sample, so \
         that switching between them compares the same moment.",
    ),
];

/// Draws the page.
pub fn show(ui: &mut Ui) {
    let theme = Theme::of(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(WIDTH);
        for (title, text) in TEXTS {
            ui.add_space(size::SPACE);
            ui.label(RichText::new(title).heading().strong());
            ui.label(RichText::new(text).color(theme.text));
        }
        ui.add_space(2.0 * size::SPACE);
        ui.label(RichText::new("Keys").heading().strong());
        Grid::new("keys").num_columns(2).spacing([2.0 * size::SPACE, size::GAP]).show(ui, |ui| {
            for (keys, meaning) in TABLE {
                ui.label(RichText::new(keys).strong());
                ui.label(RichText::new(meaning).color(theme.weak));
                ui.end_row();
            }
        });
        ui.add_space(size::SPACE);
        let text = "The same engine without a window: residue --help lists the commands.";
        ui.label(RichText::new(text).color(theme.weak));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_three_sentences() {
        for (title, text) in TEXTS {
            assert_eq!(text.matches(". ").count() + usize::from(text.ends_with('.')), 3, "{title}");
        }
    }
}

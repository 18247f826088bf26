//! A scrolling image: a texture whose columns form a ring buffer.
//!
//! New columns replace the oldest ones, and nothing else is uploaded; scrolling only changes where the
//! ring is cut when it is drawn.

use std::sync::Arc;

use egui::epaint::TextureManager;
use egui::mutex::RwLock;
use egui::{Color32, ColorImage, Context, Painter, Rect, TextureHandle, TextureOptions, pos2};

/// A scrolling image with a fixed number of columns and rows.
pub(crate) struct RingTexture {
    name: &'static str,
    size: [usize; 2],
    options: TextureOptions,
    /// With the texture manager of its context: a window that is reopened has another one.
    texture: Option<(Arc<RwLock<TextureManager>>, TextureHandle)>,
    /// Number of columns uploaded since the beginning.
    uploaded: u64,
    /// Hash of everything that the uploaded colors depend on besides the data.
    key: u64,
    /// Number of columns uploaded by the last [`Self::sync`].
    fresh: usize,
}

impl RingTexture {
    /// Creates a texture that is allocated when it is first synced.
    pub fn new(name: &'static str, size: [usize; 2], options: TextureOptions) -> Self {
        Self { name, size, options, texture: None, uploaded: 0, key: 0, fresh: 0 }
    }

    /// Returns the numbers of columns and rows.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Uploads the columns that are missing of `written` columns since the beginning. Their colors may
    /// depend on the column, the row and `key` only.
    pub fn sync(
        &mut self,
        ctx: &Context,
        written: u64,
        key: u64,
        color: impl Fn(u64, usize) -> Color32,
    ) {
        let [columns, rows] = self.size;
        let manager = ctx.tex_manager();
        self.texture.take_if(|(of, _)| !Arc::ptr_eq(of, &manager));
        let anew = self.texture.is_none() || key != self.key || written < self.uploaded;
        let (_, texture) = self.texture.get_or_insert_with(|| {
            let empty = ColorImage::filled([columns, rows], Color32::TRANSPARENT);
            (manager, ctx.load_texture(self.name, empty, self.options))
        });
        let oldest = written.saturating_sub(columns as u64);
        let mut next = if anew { oldest } else { self.uploaded.max(oldest) };
        (self.key, self.uploaded, self.fresh) = (key, written, (written - next) as usize);
        while next < written {
            let slot = (next % columns as u64) as usize;
            let count = ((written - next) as usize).min(columns - slot);
            let pixels = (0..rows)
                .flat_map(|row| (0..count as u64).map(move |column| (next + column, row)))
                .map(|(column, row)| color(column, row))
                .collect();
            texture.set_partial([slot, 0], ColorImage::new([count, rows], pixels), self.options);
            next += count as u64;
        }
    }

    /// Returns the number of columns that the last [`Self::sync`] uploaded.
    #[cfg(test)]
    pub fn fresh(&self) -> usize {
        self.fresh
    }

    /// Draws the last `shown` columns up to column `written`, the newest at the right edge of `rect`; columns
    /// that were never written stay empty. `bands` maps parts of the texture's height (0 top to 1 bottom) to
    /// the height of `rect`, as pairs in order.
    pub fn paint(
        &self,
        painter: &Painter,
        rect: Rect,
        written: u64,
        shown: usize,
        bands: &[(f32, f32)],
    ) {
        let Some((_, texture)) = &self.texture else { return };
        let columns = self.size[0];
        let shown = shown.min(columns);
        let there = written.min(shown as u64);
        let mut mesh = egui::Mesh::with_texture(texture.id());
        let x = |column: u64| {
            rect.right() - rect.width() * (written - column) as f32 / shown.max(1) as f32
        };
        let mut next = written - there;
        while next < written {
            let slot = next % columns as u64;
            let count = (written - next).min(columns as u64 - slot);
            let end = next + count;
            // At both ends of the time axis the texture filter must not reach the other end's column.
            let inset = |at: u64| if at == written - there || at == written { 0.5 } else { 0.0 };
            let u = |texel: u64, shift: f32| (texel as f32 + shift) / columns as f32;
            let (left, right) = (u(slot, inset(next)), u(slot + count, -inset(end)));
            for pair in bands.windows(2) {
                let [(v0, y0), (v1, y1)] = [pair[0], pair[1]];
                let y = |share: f32| rect.top() + rect.height() * share;
                mesh.add_rect_with_uv(
                    Rect::from_min_max(pos2(x(next), y(y0)), pos2(x(end), y(y1))),
                    Rect::from_min_max(pos2(left, v0), pos2(right, v1)),
                    Color32::WHITE,
                );
            }
            next = end;
        }
        painter.add(mesh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the position, size and first pixel of each uploaded part.
    fn uploads(ctx: &Context) -> Vec<([usize; 2], [usize; 2], Color32)> {
        let mut delta = ctx.tex_manager().write().take_delta();
        let parts = delta.set.values().flatten().filter_map(|delta| {
            let egui::ImageData::Color(image) = &delta.image;
            delta.pos.map(|pos| (pos, image.size, image.pixels[0]))
        });
        let parts = parts.collect();
        delta.clear();
        parts
    }

    #[test]
    fn only_new_columns_are_uploaded_where_they_belong() {
        let ctx = Context::default();
        let mut ring = RingTexture::new("test", [8, 3], TextureOptions::NEAREST);
        let color = |column: u64, row: usize| Color32::from_rgb(column as u8, row as u8, 0);
        ring.sync(&ctx, 3, 0, color);
        assert_eq!(uploads(&ctx), [([0, 0], [3, 3], color(0, 0))]);
        ring.sync(&ctx, 3, 0, color);
        assert_eq!((uploads(&ctx).len(), ring.fresh()), (0, 0));
        // Around the end.
        ring.sync(&ctx, 10, 0, color);
        assert_eq!(uploads(&ctx), [([3, 0], [5, 3], color(3, 0)), ([0, 0], [2, 3], color(8, 0))]);
        // More than there is room for: the newest.
        ring.sync(&ctx, 100, 0, color);
        assert_eq!(ring.fresh(), 8);
        let parts = uploads(&ctx);
        assert_eq!(parts, [([4, 0], [4, 3], color(92, 0)), ([0, 0], [4, 3], color(96, 0))]);
        // Other colors upload everything.
        ring.sync(&ctx, 101, 1, color);
        assert_eq!(ring.fresh(), 8);
        // Another window.
        let other = Context::default();
        ring.sync(&other, 101, 1, color);
        assert_eq!((ring.fresh(), uploads(&other).len()), (8, 2));
        uploads(&ctx);
    }
}

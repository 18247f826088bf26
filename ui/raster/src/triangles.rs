//! Triangles to pixels: what egui's GPU backends do, with the same rules for edges and blending.

use std::collections::HashMap;
use std::ops::Range;

use egui::epaint::{Primitive, Vertex};
use egui::{
    ClippedPrimitive, Color32, ColorImage, Mesh, Pos2, Rect, TextureFilter, TextureId,
    TextureOptions,
};

/// The textures of a context.
pub(crate) type Textures = HashMap<TextureId, (ColorImage, TextureOptions)>;

/// Draws primitives, at `scale` pixels a point, over an opaque image.
///
/// # Panics
/// If a primitive is a paint callback, or its texture is missing.
pub(crate) fn draw(
    image: &mut ColorImage,
    primitives: &[ClippedPrimitive],
    textures: &Textures,
    scale: f32,
) {
    for ClippedPrimitive { clip_rect, primitive } in primitives {
        let Primitive::Mesh(mesh) = primitive else { panic!("paint callbacks need a GPU") };
        let (texture, options) = textures.get(&mesh.texture_id).expect("textures before meshes");
        let clip = Clip::new(*clip_rect, scale, image.size);
        for vertices in triangles(mesh) {
            if let Some(triangle) = Triangle::new(vertices, scale) {
                triangle.fill(image, &clip, texture, options);
            }
        }
    }
}

fn triangles(mesh: &Mesh) -> impl Iterator<Item = [Vertex; 3]> {
    mesh.indices.chunks_exact(3).map(|n| [0, 1, 2].map(|k| mesh.vertices[n[k] as usize]))
}

/// The pixels that may change.
struct Clip {
    x: Range<usize>,
    y: Range<usize>,
}

impl Clip {
    fn new(rect: Rect, scale: f32, [width, height]: [usize; 2]) -> Self {
        let edge = |value: f32, most: usize| ((value * scale).round().max(0.0) as usize).min(most);
        Self {
            x: edge(rect.left(), width)..edge(rect.right(), width),
            y: edge(rect.top(), height)..edge(rect.bottom(), height),
        }
    }
}

/// Twice the area that `a`, `b` and `p` span, positive if `p` is to the right of `a` to `b`.
fn side(a: Pos2, b: Pos2, p: Pos2) -> f64 {
    let [a, b, p] = [a, b, p].map(|p| (f64::from(p.x), f64::from(p.y)));
    (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)
}

/// A side of a triangle, with the triangle on its right.
struct Edge {
    from: Pos2,
    to: Pos2,
    /// Pixels whose centre lies on it belong to this triangle: it is a top or a left side. They belong
    /// to one of the two triangles that share a side.
    owned: bool,
}

impl Edge {
    fn new(from: Pos2, to: Pos2) -> Self {
        Self { from, to, owned: to.y < from.y || (to.y == from.y && to.x > from.x) }
    }

    fn holds(&self, p: Pos2) -> bool {
        let side = side(self.from, self.to, p);
        side > 0.0 || (side == 0.0 && self.owned)
    }

    /// Narrows `range` (x of pixel centres) to the part of the row at `y` on the right of this side.
    fn narrow(&self, y: f32, [least, most]: &mut [f64; 2]) {
        let rise = f64::from(self.to.y - self.from.y);
        if rise == 0.0 {
            return;
        }
        let run = f64::from(self.to.x - self.from.x);
        let crossing = f64::from(self.from.x) + run * f64::from(y - self.from.y) / rise;
        if rise < 0.0 {
            *least = least.max(crossing);
        } else {
            *most = most.min(crossing);
        }
    }
}

/// A triangle in pixels, its corners clockwise.
struct Triangle {
    vertices: [Vertex; 3],
    edges: [Edge; 3],
    /// Twice its area, above 0.
    area: f64,
}

impl Triangle {
    /// A triangle of a mesh, unless it is empty.
    fn new(mut vertices: [Vertex; 3], scale: f32) -> Option<Self> {
        for vertex in &mut vertices {
            vertex.pos = (vertex.pos.to_vec2() * scale).to_pos2();
        }
        let [a, b, c] = [0, 1, 2].map(|n: usize| vertices[n].pos);
        let area = side(a, b, c);
        if area < 0.0 {
            vertices.swap(1, 2);
        }
        let corner = |n: usize| vertices[n].pos;
        let edges = [(1, 2), (2, 0), (0, 1)].map(|(from, to)| Edge::new(corner(from), corner(to)));
        (area != 0.0).then_some(Self { vertices, edges, area: area.abs() })
    }

    fn fill(
        &self,
        image: &mut ColorImage,
        clip: &Clip,
        texture: &ColorImage,
        options: &TextureOptions,
    ) {
        let bounds = Rect::from_points(&[0, 1, 2].map(|n: usize| self.vertices[n].pos));
        let flat = self.flat(texture, options);
        let top = (bounds.top().floor().max(0.0) as usize).max(clip.y.start);
        let bottom = (bounds.bottom().ceil().max(0.0) as usize).min(clip.y.end);
        let width = image.size[0];
        for y in top..bottom {
            let Some((span, sure)) = self.span(y, &bounds, &clip.x) else { continue };
            let row = &mut image.pixels[y * width..][..width];
            for x in span {
                let centre = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
                if !sure.contains(&x) && !self.edges.iter().all(|edge| edge.holds(centre)) {
                    continue;
                }
                let color = flat.unwrap_or_else(|| self.color(centre, texture, options));
                blend(&mut row[x], color);
            }
        }
    }

    /// The pixels of a row that may lie inside, and those that do for sure.
    fn span(
        &self,
        y: usize,
        bounds: &Rect,
        clip: &Range<usize>,
    ) -> Option<(Range<usize>, Range<usize>)> {
        let mut range = [f64::from(bounds.left()), f64::from(bounds.right())];
        self.edges.iter().for_each(|edge| edge.narrow(y as f32 + 0.5, &mut range));
        let [least, most] = range;
        // Rounding moves a crossing by less than a pixel.
        let within = |from: f64, to: f64| {
            let from = (from.max(0.0) as usize).max(clip.start);
            from..(to.max(0.0) as usize).min(clip.end).max(from)
        };
        let span = within(least.floor() - 1.0, most.ceil() + 1.0);
        let row = f64::from(y as f32 + 0.5);
        let crossed = row > f64::from(bounds.top()) && row < f64::from(bounds.bottom());
        let sure = if crossed { within(least.ceil() + 1.0, most.floor() - 1.0) } else { 0..0 };
        (!span.is_empty()).then_some((span, sure))
    }

    /// The color of all pixels, where it is the same for all: egui draws shapes without a picture so.
    fn flat(&self, texture: &ColorImage, options: &TextureOptions) -> Option<[f32; 4]> {
        let [a, b, c] = &self.vertices;
        let same = |vertex: &Vertex| vertex.uv == a.uv && vertex.color == a.color;
        (same(b) && same(c)).then(|| {
            let texel = sample(texture, options, [a.uv.x, a.uv.y]);
            let tint = a.color.to_array().map(|channel| f32::from(channel) / 255.0);
            std::array::from_fn(|n| tint[n] * texel[n])
        })
    }

    /// The premultiplied color, 0 to 1 each, at a point inside.
    fn color(&self, p: Pos2, texture: &ColorImage, options: &TextureOptions) -> [f32; 4] {
        let weights = [0, 1, 2].map(|n: usize| {
            let Edge { from, to, .. } = self.edges[n];
            (side(from, to, p) / self.area) as f32
        });
        let mix = |part: &dyn Fn(&Vertex) -> f32| {
            weights.iter().zip(&self.vertices).map(|(weight, vertex)| weight * part(vertex)).sum()
        };
        let uv: [f32; 2] = [mix(&|vertex| vertex.uv.x), mix(&|vertex| vertex.uv.y)];
        let texel = sample(texture, options, uv);
        std::array::from_fn(|n| {
            let tint: f32 = mix(&|vertex| f32::from(vertex.color.to_array()[n]));
            tint / 255.0 * texel[n]
        })
    }
}

/// Puts a premultiplied color, 0 to 1 each, over an opaque pixel, in sRGB as egui's backends do.
fn blend(pixel: &mut Color32, [r, g, b, opacity]: [f32; 4]) {
    let mix = |under: u8, light: f32| {
        (light * 255.0 + f32::from(under) * (1.0 - opacity)).round().clamp(0.0, 255.0) as u8
    };
    *pixel = Color32::from_rgb(mix(pixel.r(), r), mix(pixel.g(), g), mix(pixel.b(), b));
}

/// The color of a texture at a place, 0 to 1 each way, as premultiplied sRGB.
fn sample(texture: &ColorImage, options: &TextureOptions, uv: [f32; 2]) -> [f32; 4] {
    let texel = |x: i64, y: i64| {
        let clamp = |at: i64, size: usize| at.clamp(0, size as i64 - 1) as usize;
        let at = clamp(y, texture.size[1]) * texture.size[0] + clamp(x, texture.size[0]);
        texture.pixels[at].to_array().map(|channel| f32::from(channel) / 255.0)
    };
    let [x, y] = [0, 1].map(|n| uv[n] * texture.size[n] as f32);
    if options.magnification == TextureFilter::Nearest {
        return texel(x.floor() as i64, y.floor() as i64);
    }
    let (x, y) = (x - 0.5, y - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let (right_share, low_share) = (x - left, y - top);
    let (left, top) = (left as i64, top as i64);
    let row = |y: i64| {
        let (a, b) = (texel(left, y), texel(left + 1, y));
        std::array::from_fn::<f32, 4, _>(|n| a[n] + (b[n] - a[n]) * right_share)
    };
    let (high, low) = (row(top), row(top + 1));
    std::array::from_fn(|n| high[n] + (low[n] - high[n]) * low_share)
}

#[cfg(test)]
mod tests {
    use egui::{pos2, vec2};

    use super::*;

    /// A texture of one white pixel, as egui's first.
    fn white() -> Textures {
        let pixel = ColorImage::filled([1, 1], Color32::WHITE);
        [(TextureId::default(), (pixel, TextureOptions::NEAREST))].into()
    }

    fn primitive(mesh: Mesh, clip_rect: Rect) -> ClippedPrimitive {
        ClippedPrimitive { clip_rect, primitive: Primitive::Mesh(mesh) }
    }

    #[test]
    fn triangles_that_share_sides_cover_every_pixel_once() {
        // A fan around a centre, on and off the grid of pixels, at half opacity: a pixel that is drawn
        // twice is lighter, one that is left out is black.
        let opaque = Rect::from_min_size(Pos2::ZERO, vec2(64.0, 64.0));
        for centre in [pos2(32.0, 32.0), pos2(31.5, 20.5), pos2(7.3, 40.9)] {
            let mut mesh = Mesh::default();
            let rim =
                [(0.0, 0.0), (40.0, 0.0), (64.0, 0.0), (64.0, 11.5), (64.0, 64.0), (0.0, 64.0)];
            let half = Color32::from_white_alpha(128);
            mesh.colored_vertex(centre, half);
            rim.iter().for_each(|(x, y)| mesh.colored_vertex(pos2(*x, *y), half));
            for n in 0..6 {
                // Either way around.
                let (a, b) = (n + 1, (n + 1) % 6 + 1);
                if n % 2 == 0 { mesh.add_triangle(0, a, b) } else { mesh.add_triangle(b, a, 0) }
            }
            let mut image = ColorImage::filled([64, 64], Color32::BLACK);
            draw(&mut image, &[primitive(mesh, opaque)], &white(), 1.0);
            let gray = Color32::from_gray(128);
            let wrong = image.pixels.iter().filter(|pixel| **pixel != gray).count();
            assert_eq!(wrong, 0, "around {centre}");
        }
    }

    #[test]
    fn nothing_is_drawn_outside_the_clip() {
        let mut mesh = Mesh::default();
        let all = Rect::from_min_max(pos2(-50.0, -50.0), pos2(50.0, 50.0));
        mesh.add_colored_rect(all, Color32::WHITE);
        let clip = Rect::from_min_max(pos2(1.0, 2.0), pos2(4.0, 3.0));
        let mut image = ColorImage::filled([10, 10], Color32::BLACK);
        draw(&mut image, &[primitive(mesh, clip)], &white(), 2.0);
        let lit = |x: usize, y: usize| (2..8).contains(&x) && (4..6).contains(&y);
        for (n, pixel) in image.pixels.iter().enumerate() {
            assert_eq!(*pixel == Color32::WHITE, lit(n % 10, n / 10), "pixel {n}");
        }
    }
}

//! Triangles to pixels, without a GPU: what egui's backends do, small and the same on every machine.

use egui::epaint::{Primitive, Vertex};
use egui::{
    ClippedPrimitive, ColorImage, Mesh, Pos2, Rect, TextureFilter, TextureId, TextureOptions,
};
use std::collections::HashMap;

use crate::Picture;

/// The textures of a context.
pub type Textures = HashMap<TextureId, (ColorImage, TextureOptions)>;

/// Draws primitives, at `scale` pixels a point, over what is there.
///
/// # Panics
/// If a primitive draws by itself, or its texture is missing.
pub fn draw(
    picture: &mut Picture,
    primitives: &[ClippedPrimitive],
    textures: &Textures,
    scale: f32,
) {
    for ClippedPrimitive { clip_rect, primitive } in primitives {
        let Primitive::Mesh(mesh) = primitive else { panic!("nothing here draws by itself") };
        let (image, options) = textures.get(&mesh.texture_id).expect("textures come before meshes");
        let clip = Clip::new(*clip_rect, scale, picture);
        for triangle in triangles(mesh) {
            fill(picture, &clip, triangle, image, options, scale);
        }
    }
}

fn triangles(mesh: &Mesh) -> impl Iterator<Item = [Vertex; 3]> {
    mesh.indices.chunks_exact(3).map(|n| [0, 1, 2].map(|k| mesh.vertices[n[k] as usize]))
}

/// Pixels that may change.
struct Clip {
    x: std::ops::Range<usize>,
    y: std::ops::Range<usize>,
}

impl Clip {
    fn new(rect: Rect, scale: f32, picture: &Picture) -> Self {
        let edge = |value: f32, most: usize| ((value * scale).round().max(0.0) as usize).min(most);
        let (w, h) = (picture.width, picture.height);
        Self {
            x: edge(rect.left(), w)..edge(rect.right(), w),
            y: edge(rect.top(), h)..edge(rect.bottom(), h),
        }
    }
}

/// Twice the area that `a`, `b` and `p` span, positive if `p` is to the right of `a` to `b`.
fn side(a: Pos2, b: Pos2, p: Pos2) -> f64 {
    let [a, b, p] = [a, b, p].map(|p| (f64::from(p.x), f64::from(p.y)));
    (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)
}

fn fill(
    picture: &mut Picture,
    clip: &Clip,
    mut triangle: [Vertex; 3],
    image: &ColorImage,
    options: &TextureOptions,
    scale: f32,
) {
    for vertex in &mut triangle {
        vertex.pos = (vertex.pos.to_vec2() * scale).to_pos2();
    }
    let [a, b, c] = triangle.map(|vertex| vertex.pos);
    let area = side(a, b, c);
    if area == 0.0 {
        return;
    }
    if area < 0.0 {
        triangle.swap(1, 2);
    }
    let area = area.abs();
    let corners = triangle.map(|vertex| vertex.pos);
    let bounds = Rect::from_points(&corners);
    let span = |low: f32, high: f32, clip: &std::ops::Range<usize>| {
        let from = (low.floor().max(0.0) as usize).max(clip.start);
        from..(high.ceil().max(0.0) as usize).min(clip.end)
    };
    // A pixel on an edge belongs to one of the two triangles that share it: the one whose top or left
    // edge it is.
    let edges = [(1, 2), (2, 0), (0, 1)].map(|(from, to)| {
        let (from, to) = (corners[from], corners[to]);
        let owns = to.y < from.y || (to.y == from.y && to.x > from.x);
        (from, to, owns)
    });
    for y in span(bounds.top(), bounds.bottom(), &clip.y) {
        for x in span(bounds.left(), bounds.right(), &clip.x) {
            let centre = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
            let sides = edges.map(|(from, to, _)| side(from, to, centre));
            let inside = |n: usize| sides[n] > 0.0 || (sides[n] == 0.0 && edges[n].2);
            if !(0..3).all(inside) {
                continue;
            }
            let weights = sides.map(|side| (side / area) as f32);
            let mix = |part: &dyn Fn(&Vertex) -> f32| {
                weights.iter().zip(&triangle).map(|(weight, vertex)| weight * part(vertex)).sum()
            };
            let uv: [f32; 2] = [mix(&|vertex| vertex.uv.x), mix(&|vertex| vertex.uv.y)];
            let texel = sample(image, options, uv);
            let colour: [f32; 4] = std::array::from_fn(|n| {
                let tint: f32 = mix(&|vertex| f32::from(vertex.color.to_array()[n]));
                tint / 255.0 * texel[n]
            });
            picture.blend(x, y, colour);
        }
    }
}

/// The colour of a texture at a place, 0 to 1 each way, as premultiplied sRGB.
fn sample(image: &ColorImage, options: &TextureOptions, uv: [f32; 2]) -> [f32; 4] {
    let texel = |x: i64, y: i64| {
        let clamp = |at: i64, size: usize| at.clamp(0, size as i64 - 1) as usize;
        let at = clamp(y, image.size[1]) * image.size[0] + clamp(x, image.size[0]);
        image.pixels[at].to_array().map(|channel| f32::from(channel) / 255.0)
    };
    let [x, y] = [0, 1].map(|n| uv[n] * image.size[n] as f32);
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

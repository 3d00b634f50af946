//! What was painted, as far as it is text and what stands behind it.

use std::collections::BTreeSet;

use eframe::egui::{
    Color32, Pos2, Rect, Shape,
    epaint::{TextShape, text::PlacedRow},
};

use crate::screens::Window;

/// A text that was painted.
pub(crate) struct Painted {
    pub(crate) text: String,
    /// Where it is,
    pub(crate) rect: Rect,
    /// and what of it can be seen.
    pub(crate) clip: Rect,
    /// It was too long, and ends with dots.
    pub(crate) cut: bool,
    /// In what colours it is written,
    pub(crate) colours: Vec<Color32>,
    /// and on what.
    pub(crate) ground: Color32,
}

/// All texts of the last frame.
pub(crate) fn texts(window: &Window) -> Vec<Painted> {
    let mut flat = Vec::new();
    for clipped in &window.output().shapes {
        flatten(&clipped.shape, clipped.clip_rect, &mut flat);
    }
    let mut found = Vec::new();
    for (place, (shape, clip)) in flat.iter().enumerate() {
        let Shape::Text(text) = shape else { continue };
        let rows = text.galley.rows.iter().filter(|row| !row.visuals.mesh.is_empty());
        let inked =
            |row: &PlacedRow| row.visuals.mesh_bounds.translate(row.pos.to_vec2() + text.pos.to_vec2());
        let Some(first) = rows.clone().next().map(inked) else { continue };
        let rect = rows.map(inked).fold(first, Rect::union);
        let ground =
            ground(&flat[..place], first.center()).unwrap_or(window.ctx.global_style().visuals.panel_fill);
        found.push(Painted {
            text: text.galley.text().to_owned(),
            rect,
            clip: *clip,
            cut: text.galley.elided,
            colours: colours(text),
            ground,
        });
    }
    found
}

fn flatten<'a>(shape: &'a Shape, clip: Rect, flat: &mut Vec<(&'a Shape, Rect)>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| flatten(shape, clip, flat)),
        shape => flat.push((shape, clip)),
    }
}

/// The last opaque ground that was painted there.
fn ground(before: &[(&Shape, Rect)], at: Pos2) -> Option<Color32> {
    before.iter().rev().find_map(|(shape, clip)| match shape {
        Shape::Rect(rect) if rect.fill.a() == 255 && rect.rect.contains(at) && clip.contains(at) => {
            Some(rect.fill)
        }
        _ => None,
    })
}

fn colours(text: &TextShape) -> Vec<Color32> {
    let vertices = text.galley.rows.iter().flat_map(|row| &row.visuals.mesh.vertices);
    let own: BTreeSet<_> = vertices.map(|vertex| vertex.color.to_array()).collect();
    let [r, g, b, a] = Color32::PLACEHOLDER.to_array();
    let own = own.into_iter().map(|colour| match colour {
        placeholder if placeholder == [r, g, b, a] => text.fallback_color,
        [r, g, b, a] => Color32::from_rgba_premultiplied(r, g, b, a),
    });
    own.map(|colour| text.override_text_color.unwrap_or(colour)).collect()
}

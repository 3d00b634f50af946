//! Colours, dark and light: every text against every ground that it stands on has a contrast of 4.5 to 1 and more.

use eframe::egui::{self, Color32, CornerRadius, Stroke, Theme, Visuals, style::WidgetVisuals};

use crate::model::Look;

/// The colours of one look.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind everything.
    pub ground: Color32,
    /// Behind what belongs together.
    pub panel: Color32,
    /// Behind what is typed, and behind figures.
    pub field: Color32,
    /// Behind a control,
    pub control: Color32,
    /// under the pointer or with the focus,
    pub hovered: Color32,
    /// and pressed.
    pub pressed: Color32,
    /// Text.
    pub text: Color32,
    /// Text that matters less.
    pub quiet: Color32,
    /// Behind what is chosen,
    pub chosen: Color32,
    /// and the text on it.
    pub on_chosen: Color32,
    /// Behind what begins a call, and text of what is well.
    pub go: Color32,
    /// The text on it.
    pub on_go: Color32,
    /// Behind what ends a call.
    pub stop: Color32,
    /// The text on it.
    pub on_stop: Color32,
    /// Text of what is well.
    pub good: Color32,
    /// Text of what is not.
    pub bad: Color32,
    /// Lines.
    pub line: Color32,
    /// The line around what has the focus.
    pub focus: Color32,
}

/// Light text on dark.
pub const DARK: Palette = Palette {
    ground: Color32::from_rgb(0x14, 0x18, 0x1d),
    panel: Color32::from_rgb(0x1d, 0x23, 0x2a),
    field: Color32::from_rgb(0x0c, 0x0f, 0x13),
    control: Color32::from_rgb(0x2c, 0x35, 0x3f),
    hovered: Color32::from_rgb(0x3a, 0x46, 0x53),
    pressed: Color32::from_rgb(0x22, 0x2a, 0x32),
    text: Color32::from_rgb(0xee, 0xf2, 0xf6),
    quiet: Color32::from_rgb(0xb4, 0xbf, 0xca),
    chosen: Color32::from_rgb(0x1f, 0x4f, 0x82),
    on_chosen: Color32::from_rgb(0xff, 0xff, 0xff),
    go: Color32::from_rgb(0x1c, 0x6b, 0x3c),
    on_go: Color32::from_rgb(0xff, 0xff, 0xff),
    stop: Color32::from_rgb(0xa3, 0x26, 0x26),
    on_stop: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x7b, 0xd8, 0x9b),
    bad: Color32::from_rgb(0xff, 0xa8, 0x8f),
    line: Color32::from_rgb(0x4a, 0x56, 0x63),
    focus: Color32::from_rgb(0x8a, 0xc4, 0xff),
};

/// Dark text on light.
pub const LIGHT: Palette = Palette {
    ground: Color32::from_rgb(0xf6, 0xf8, 0xfa),
    panel: Color32::from_rgb(0xe9, 0xee, 0xf3),
    field: Color32::from_rgb(0xff, 0xff, 0xff),
    control: Color32::from_rgb(0xd6, 0xde, 0xe6),
    hovered: Color32::from_rgb(0xc4, 0xd0, 0xdc),
    pressed: Color32::from_rgb(0xb6, 0xc4, 0xd2),
    text: Color32::from_rgb(0x12, 0x18, 0x1f),
    quiet: Color32::from_rgb(0x3c, 0x48, 0x54),
    chosen: Color32::from_rgb(0x1f, 0x5c, 0x99),
    on_chosen: Color32::from_rgb(0xff, 0xff, 0xff),
    go: Color32::from_rgb(0x17, 0x66, 0x37),
    on_go: Color32::from_rgb(0xff, 0xff, 0xff),
    stop: Color32::from_rgb(0xa3, 0x26, 0x26),
    on_stop: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x0f, 0x55, 0x2b),
    bad: Color32::from_rgb(0x8c, 0x1d, 0x18),
    line: Color32::from_rgb(0x9a, 0xa8, 0xb5),
    focus: Color32::from_rgb(0x0b, 0x4f, 0x9e),
};

impl Palette {
    /// The colours that `ui` is drawn in.
    #[must_use]
    pub fn of(ui: &egui::Ui) -> &'static Self {
        if ui.visuals().dark_mode { &DARK } else { &LIGHT }
    }

    /// Each text with each ground that it may stand on.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, Color32, Color32)> {
        let grounds = [
            ("ground", self.ground),
            ("panel", self.panel),
            ("field", self.field),
            ("control", self.control),
            ("hovered", self.hovered),
            ("pressed", self.pressed),
        ];
        let mut pairs: Vec<_> = grounds.iter().map(|&(name, ground)| (name, self.text, ground)).collect();
        for ground in [self.ground, self.panel, self.field] {
            pairs.push(("quiet", self.quiet, ground));
            pairs.push(("good", self.good, ground));
            pairs.push(("bad", self.bad, ground));
        }
        pairs.push(("chosen", self.on_chosen, self.chosen));
        pairs.push(("go", self.on_go, self.go));
        pairs.push(("stop", self.on_stop, self.stop));
        pairs
    }

    fn visuals(&self, theme: Theme) -> Visuals {
        let mut visuals = theme.default_visuals();
        let widget = |fill: Color32, stroke: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: Stroke::new(1.0, stroke),
            corner_radius: CornerRadius::same(4),
            fg_stroke: Stroke::new(1.0, self.text),
            expansion: 0.0,
        };
        visuals.widgets.noninteractive = widget(self.panel, self.line);
        visuals.widgets.inactive = widget(self.control, self.line);
        visuals.widgets.hovered = widget(self.hovered, self.focus);
        visuals.widgets.active = widget(self.pressed, self.focus);
        visuals.widgets.open = widget(self.control, self.focus);
        visuals.selection.bg_fill = self.chosen;
        visuals.selection.stroke = Stroke::new(1.0, self.on_chosen);
        visuals.panel_fill = self.ground;
        visuals.window_fill = self.panel;
        visuals.window_stroke = Stroke::new(1.0, self.line);
        visuals.extreme_bg_color = self.field;
        visuals.text_edit_bg_color = Some(self.field);
        visuals.faint_bg_color = self.panel;
        visuals.weak_text_color = Some(self.quiet);
        visuals.warn_fg_color = self.bad;
        visuals.error_fg_color = self.bad;
        visuals.hyperlink_color = self.focus;
        visuals
    }
}

/// Dresses the window.
pub fn dress(ctx: &egui::Context) {
    ctx.set_visuals_of(Theme::Dark, DARK.visuals(Theme::Dark));
    ctx.set_visuals_of(Theme::Light, LIGHT.visuals(Theme::Light));
    ctx.all_styles_mut(|style| {
        style.spacing.item_spacing = egui::vec2(8.0, 8.0);
        style.spacing.button_padding = egui::vec2(10.0, 6.0);
        style.spacing.interact_size.y = 28.0;
        style.wrap_mode = Some(egui::TextWrapMode::Wrap);
    });
}

/// Has it look as the person wants.
pub fn choose(ctx: &egui::Context, look: Look) {
    let wanted = match look {
        Look::System => egui::ThemePreference::System,
        Look::Dark => egui::ThemePreference::Dark,
        Look::Light => egui::ThemePreference::Light,
    };
    if ctx.options(|options| options.theme_preference) != wanted {
        ctx.set_theme(wanted);
    }
}

/// Contrast of two opaque colours, 1 to 21 (WCAG 2.2, "contrast ratio").
#[must_use]
pub fn contrast(one: Color32, other: Color32) -> f32 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: Color32) -> f32 {
    let linear = |part: u8| {
        let part = f32::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast(Color32::WHITE, Color32::BLACK) - 21.0).abs() < 0.01);
        assert!((contrast(Color32::from_rgb(0x76, 0x76, 0x76), Color32::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn every_text_can_be_read_on_every_ground_that_it_stands_on() {
        for (name, palette) in [("dark", DARK), ("light", LIGHT)] {
            for (what, text, ground) in palette.pairs() {
                let contrast = contrast(text, ground);
                assert!(contrast >= 4.5, "{name} {what}: {text:?} on {ground:?} is {contrast:.2}");
            }
        }
    }
}

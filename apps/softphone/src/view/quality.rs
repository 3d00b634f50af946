//! How a call is, by which way it goes, and why that has changed.

use eframe::egui::{Pos2, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::{Scene, parts, tell};
use crate::{
    model::{Call, SECONDS},
    theme::Palette,
};

/// Figures of the last second, the way, a graph, and each move in plain words.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, call: &Call) {
    ui.separator();
    parts::title(ui, scene.say("quality-title"));
    let figures = tell::second(scene.words, call.series.last().unwrap_or_default());
    ui.horizontal_wrapped(|ui| {
        for figure in figures {
            ui.label(figure);
        }
    });
    meter(ui, scene, "level-said", call.levels.said);
    meter(ui, scene, "level-heard", call.levels.heard);
    graph(ui, scene, call);
    let way = tell::kind(scene.words, call.route, "route-unknown");
    ui.label(scene.say_of("route", &[("kind", &way)]));
    let codec = call.codec.map_or_else(|| tell::UNKNOWN.to_owned(), |codec| codec.to_string());
    parts::quiet(ui, scene.say_of("codec", &[("codec", &codec)]));
    if let Some(cause) = call.complaint {
        let why = tell::why(scene.words, cause);
        parts::bad(ui, scene.say_of("complaint", &[("why", &why)]));
    }
    ui.label(scene.say("moves-title"));
    if call.moves.is_empty() {
        parts::quiet(ui, scene.say("no-moves"));
    }
    for moved in call.moves.iter().rev() {
        parts::quiet(ui, tell::moved(scene.words, moved));
    }
}

/// How loud one side is: a bar from silence to as loud as can be, and the figure.
fn meter(ui: &mut Ui, scene: &Scene<'_>, side: &str, level: Option<f32>) {
    let name = scene.say(side);
    let level = level.filter(|level| *level > SILENCE);
    let figure = level.map(|level| format!("{level:.0}"));
    let figure = figure.map(|level| scene.say_of("unit-dbov", &[("value", &level)]));
    let text =
        scene.say_of("level", &[("side", &name), ("value", figure.as_deref().unwrap_or(tell::UNKNOWN))]);
    ui.horizontal(|ui| {
        let palette = *Palette::of(ui);
        let (response, painter) = ui.allocate_painter(vec2(120.0, 10.0), Sense::hover());
        painter.rect_filled(response.rect, 3.0, palette.field);
        let share = level.map_or(0.0, |level| (1.0 - level / SILENCE).clamp(0.0, 1.0));
        let bar = Rect::from_min_size(response.rect.min, vec2(response.rect.width() * share, 10.0));
        painter.rect_filled(bar, 3.0, if share > TOO_LOUD { palette.bad } else { palette.good });
        parts::quiet(ui, text);
    });
}

/// Below this nothing is shown, in dBov.
const SILENCE: f32 = -70.0;
/// Beyond this share of the bar, speech may be cut at its peaks.
const TOO_LOUD: f32 = 0.92;

/// Each second's score from 1 to 5, a line where the person's threshold is, a mark where the way changed. A second without a
/// score is a gap in the line.
fn graph(ui: &mut Ui, scene: &Scene<'_>, call: &Call) {
    let palette = *Palette::of(ui);
    let size = vec2(ui.available_width(), 90.0);
    let (response, painter) = ui.allocate_painter(size, Sense::hover());
    let rect = response.rect.shrink(4.0);
    painter.rect_filled(response.rect, 4.0, palette.field);
    let height = |mos: f32| rect.bottom() - (mos.clamp(1.0, 5.0) - 1.0) / 4.0 * rect.height();
    if let Some(least) = scene.model.settings.min_mos {
        let line = [pos2(rect.left(), height(least)), pos2(rect.right(), height(least))];
        painter.extend(Shape::dashed_line(&line, Stroke::new(1.0, palette.bad), 6.0, 4.0));
    }
    let kept = call.series.iter().len() as u64;
    let first = call.series.count() - kept;
    let across = |second: u64| place(rect, second.saturating_sub(first), kept);
    for moved in call.moves.iter().filter(|moved| moved.second >= first) {
        let x = across(moved.second);
        painter.line_segment([pos2(x, rect.top()), pos2(x, rect.bottom())], Stroke::new(2.0, palette.focus));
    }
    let mut run: Vec<Pos2> = Vec::new();
    for (number, second) in (first..).zip(call.series.iter()) {
        match second.mos {
            Some(mos) => run.push(pos2(across(number), height(mos))),
            None => draw(&painter, core::mem::take(&mut run), palette.good),
        }
    }
    draw(&painter, run, palette.good);
    let score =
        tell::figure(scene.words, "quality-mos", call.series.last().and_then(|second| second.mos), None, 1);
    let name = scene.say_of("quality-graph", &[("seconds", &SECONDS.to_string()), ("mos", &score)]);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, true, &name));
}

/// Where a second is drawn: the latest at the right end, each as wide as if all were kept.
fn place(rect: Rect, number: u64, kept: u64) -> f32 {
    let from_the_end = kept.saturating_sub(number) as f32;
    rect.right() - from_the_end / SECONDS as f32 * rect.width()
}

fn draw(painter: &eframe::egui::Painter, run: Vec<Pos2>, colour: eframe::egui::Color32) {
    match run[..] {
        [] => {}
        [alone] => {
            painter.circle_filled(alone, 2.0, colour);
        }
        _ => {
            painter.add(Shape::line(run, Stroke::new(2.0, colour)));
        }
    }
}

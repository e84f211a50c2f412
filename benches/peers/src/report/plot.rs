//! The plot: calls a second of the small struct, a bar for each peer, drawn as plain SVG.

use std::fmt::Write;

use super::results::{Cell, Results, on, short};
use super::tables::is_plotted;
use crate::load::Load;

const LABELS: f64 = 170.0;
const BARS: f64 = 260.0;
const ROW: f64 = 18.0;
const HEAD: f64 = 26.0;
const GAP: f64 = 18.0;

/// Legible on light and dark pages.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#777}.h{font-weight:600}.o{fill:#c2410c}.t{fill:#94a3b8}";

/// A panel for each load and number of processors: loads side by side would be too small to read, so they stand below each other.
pub(super) fn draw(results: &Results) -> String {
    let (loads, counts) = (results.loads(), results.processors());
    let loads: Vec<Load> = loads.into_iter().filter(|load| is_plotted(*load)).collect();
    let (mut body, mut y) = (String::new(), 0.0_f64);
    for load in loads {
        let mut tallest = 0.0_f64;
        for (column, processors) in counts.iter().enumerate() {
            let x = column as f64 * (LABELS + BARS + 70.0);
            tallest = tallest.max(panel(&mut body, results, load, *processors, (x, y)));
        }
        y += tallest + GAP;
    }
    let width = counts.len() as f64 * (LABELS + BARS + 70.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {y}\" width=\"{width}\" height=\"{y}\"><style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// Draws one panel, and says how high it is.
fn panel(out: &mut String, results: &Results, load: Load, processors: usize, (x, y): (f64, f64)) -> f64 {
    let peers = results.peers();
    let rate = |peer: &str| results.rate(Cell { peer, load, processors });
    let mut bars: Vec<_> = peers.iter().filter_map(|peer| Some((peer, rate(peer)?))).collect();
    bars.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some(most) = bars.first().map(|(_, most)| *most) else { return 0.0 };
    let title = format!("{} · {} · calls a second", load.title(), on(processors));
    let _ = writeln!(out, "<text class=\"h\" x=\"{x}\" y=\"{}\">{title}</text>", y + 16.0);
    for (row, (peer, rate)) in bars.iter().enumerate() {
        let top = y + HEAD + row as f64 * ROW;
        let class = if peer.starts_with("bulla") { "o" } else { "t" };
        let (left, length, base) = (x + LABELS, BARS * rate / most, top + 12.0);
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{base:.0}\" text-anchor=\"end\">{peer}</text><rect class=\"{class}\" x=\"{left:.0}\" y=\"{top:.0}\" width=\"{length:.1}\" height=\"14\"/><text x=\"{:.0}\" y=\"{base:.0}\">{}</text>",
            left - 6.0,
            left + length + 6.0,
            short(*rate),
        );
    }
    HEAD + bars.len() as f64 * ROW
}

//! The picture of a file as SVG: one document that needs nothing else.
//!
//! Colours follow the reader's light or dark theme; each kind of page also has a letter, and each
//! cell a tooltip, so that no meaning hangs on a colour.

use std::io::{self, Write};

use finding::Text;

use crate::map::{Cell, Look, Map};

/// Cells of a row.
const ROW: usize = 64;
/// Side of a cell with the gap behind it.
const SIDE: usize = 14;
/// Side of its square.
const SQUARE: usize = 13;
/// Where the first cell of a row starts: the page number stands before it.
const LEFT: usize = 84;
/// Where the first row starts.
const TOP: usize = 62;

/// Without variables and nesting: not every viewer has them.
const STYLE: &str = "
    .paper { fill: #ffffff; }
    text { fill: #1f2328; font: 12px ui-monospace, 'DejaVu Sans Mono', monospace; }
    text.title { font-size: 15px; font-weight: 700; }
    text.faint { fill: #59636e; }
    text.mark { font-size: 10px; font-weight: 700; text-anchor: middle; pointer-events: none; }
    .damaged { fill: #d1242f; } .missing { fill: #82071e; } .lost { fill: #e8a317; }
    .meta { fill: #57606a; } .freelist { fill: #8250df; } .branch { fill: #0550ae; }
    .leaf { fill: #54aeff; } .overflow { fill: #b6e3ff; } .previous { fill: #a3c76d; }
    .free { fill: #dde3ea; } .unknown { fill: #c9bfa5; } .uncommitted { fill: #f0883e; }
    .past { fill: #f6f8fa; stroke: #d1d9e0; }
    text.on-dark { fill: #ffffff; } text.on-light { fill: #1f2328; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; }
      text { fill: #e6edf3; } text.faint { fill: #9198a1; }
      .free { fill: #2a313c; } .past { fill: #151b23; stroke: #3d444d; }
      .overflow { fill: #8fc7f0; } .missing { fill: #a40e26; }
    }
  ";

/// Writes the picture of `file`.
pub(crate) fn write(out: &mut dyn Write, file: &Text, about: &str, map: &Map) -> io::Result<()> {
    let rows = map.cells.len().div_ceil(ROW);
    let legend: Vec<_> = map.counts.iter().collect();
    let below = TOP
        .saturating_add(rows.saturating_mul(SIDE))
        .saturating_add(26);
    let width = LEFT
        .saturating_add(ROW.saturating_mul(SIDE))
        .saturating_add(20);
    let height = below
        .saturating_add(legend.len().saturating_mul(20))
        .saturating_add(8);
    let title = escape(&file.to_string());
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"title about\">"
    )?;
    writeln!(out, "  <title id=\"title\">Pages of {title}</title>")?;
    let counts: Vec<String> = legend
        .iter()
        .map(|(look, count)| format!("{count} {}", look.legend()))
        .collect();
    writeln!(
        out,
        "  <desc id=\"about\">{}. {}.</desc>",
        escape(about),
        escape(&counts.join("; "))
    )?;
    writeln!(out, "  <style>{STYLE}</style>")?;
    writeln!(
        out,
        "  <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>"
    )?;
    writeln!(
        out,
        "  <text class=\"title\" x=\"20\" y=\"26\">{title}</text>"
    )?;
    writeln!(
        out,
        "  <text class=\"faint\" x=\"20\" y=\"46\">{}</text>",
        escape(about)
    )?;
    for (number, row) in map.cells.chunks(ROW).enumerate() {
        let y = TOP.saturating_add(number.saturating_mul(SIDE));
        let first = wide(number.saturating_mul(ROW)).saturating_mul(map.scale);
        let base = y.saturating_add(10);
        let right = LEFT.saturating_sub(8);
        writeln!(
            out,
            "  <text class=\"faint\" x=\"{right}\" y=\"{base}\" text-anchor=\"end\">{first}</text>"
        )?;
        for (column, cell) in row.iter().enumerate() {
            let x = LEFT.saturating_add(column.saturating_mul(SIDE));
            let page = first.saturating_add(wide(column).saturating_mul(map.scale));
            square(out, x, y, cell.counts.look(), &tip(page, map, cell))?;
        }
    }
    for (number, (look, count)) in legend.iter().enumerate() {
        let y = below.saturating_add(number.saturating_mul(20));
        square(out, LEFT, y, *look, look.word())?;
        let base = y.saturating_add(11);
        let (number, label) = (LEFT.saturating_add(84), LEFT.saturating_add(96));
        writeln!(
            out,
            "  <text x=\"{number}\" y=\"{base}\" text-anchor=\"end\">{count}</text><text x=\"{label}\" \
             y=\"{base}\">{}</text>",
            escape(look.legend())
        )?;
    }
    writeln!(out, "</svg>")
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// One cell, with its letter and its tooltip.
fn square(out: &mut dyn Write, x: usize, y: usize, look: Look, tip: &str) -> io::Result<()> {
    let word = look.word();
    let tip = escape(tip);
    write!(
        out,
        "  <g><title>{tip}</title><rect class=\"{word}\" x=\"{x}\" y=\"{y}\" width=\"{SQUARE}\" \
         height=\"{SQUARE}\" rx=\"2\"/>"
    )?;
    let ink = match look {
        Look::Damaged | Look::Missing | Look::Meta | Look::Freelist | Look::Branch => "on-dark",
        _ => "on-light",
    };
    let (middle, base) = (x.saturating_add(SQUARE.div_euclid(2)), y.saturating_add(10));
    let letter = escape(&look.letter().to_string());
    // Most cells of most files are free or past the mark: they need no letter to be told apart.
    if !matches!(look, Look::Free | Look::Past) {
        write!(
            out,
            "<text class=\"mark {ink}\" x=\"{middle}\" y=\"{base}\">{letter}</text>"
        )?;
    }
    writeln!(out, "</g>")
}

/// What a cell holds.
fn tip(page: u64, map: &Map, cell: &Cell) -> String {
    if map.scale == 1 {
        let look = cell.counts.look().legend();
        return match cell.header {
            Some((kind, count, overflow)) if overflow > 0 => {
                format!(
                    "page {page}: {look}; its header: {kind}, {count} items, overflow {overflow}"
                )
            }
            Some((kind, count, _)) => {
                format!("page {page}: {look}; its header: {kind}, {count} items")
            }
            None => format!("page {page}: {look}"),
        };
    }
    let last = page
        .saturating_add(map.scale)
        .min(map.pages)
        .saturating_sub(1);
    let counts: Vec<String> = cell
        .counts
        .iter()
        .map(|(look, count)| format!("{count} {}", look.word()))
        .collect();
    format!("pages {page} to {last}: {}", counts.join(", "))
}

/// Text as XML takes it. What XML cannot hold at all was escaped before, as all of the evidence is.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            _ if letter.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&letter) => {
                safe.push('\u{fffd}');
            }
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(
            escape("</title><script>&\"'"),
            "&lt;/title&gt;&lt;script&gt;&amp;&quot;&apos;"
        );
        assert_eq!(escape("a\u{1b}b\u{ffff}"), "a\u{fffd}b\u{fffd}");
    }
}

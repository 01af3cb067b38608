//! Aligned columns without borders.

use std::fmt::Display;
use std::io::{self, Write};

use finding::Time;

/// Aligned columns: an upper-case header, no borders, two blanks between columns.
///
/// Cells are made harmless by whoever fills them (`Text` does it by itself); they are cut only on
/// a terminal, and only in the last column.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns; a name that starts with `>` is aligned to the right.
    pub fn new(columns: &[&'static str]) -> Self {
        Self {
            header: columns
                .iter()
                .map(|name| name.strip_prefix('>').unwrap_or(name))
                .collect(),
            right: columns.iter().map(|name| name.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [&dyn Display; N]) {
        self.rows
            .push(cells.iter().map(ToString::to_string).collect());
    }

    /// Adds a row of ready cells.
    pub fn cells(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn write(
        &self,
        writer: &mut dyn Write,
        width: Option<usize>,
        heading: &str,
    ) -> io::Result<()> {
        let mut widths: Vec<usize> = self
            .header
            .iter()
            .map(|name| name.chars().count())
            .collect();
        for row in &self.rows {
            for (cell, widest) in row.iter().zip(&mut widths) {
                *widest = cell.chars().count().max(*widest);
            }
        }
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let mut line = String::new();
            for ((cell, wide), right) in cells.zip(&widths).zip(&self.right) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let blanks = " ".repeat(wide.saturating_sub(cell.chars().count()));
                if *right {
                    line.push_str(&blanks);
                }
                line.push_str(cell);
                if !right {
                    line.push_str(&blanks);
                }
            }
            let line = line.trim_end();
            match width {
                Some(width) if line.chars().count() > width && width > 1 => {
                    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
                    format!("{kept}…")
                }
                _ => line.to_owned(),
            }
        };
        let header: Vec<String> = self.header.iter().map(|name| name.to_uppercase()).collect();
        let reset = if heading.is_empty() { "" } else { "\x1b[0m" };
        writeln!(
            writer,
            "{heading}{}{reset}",
            line(&mut header.iter().map(String::as_str))
        )?;
        for row in &self.rows {
            writeln!(writer, "{}", line(&mut row.iter().map(String::as_str)))?;
        }
        Ok(())
    }
}

/// How long ago `then` was at `now`: `3 min`, `5 h`, `2 d`; `in 5 h` where it is still to come.
pub fn age(then: Time, now: Time) -> String {
    let seconds = now.since(then);
    let ahead = if seconds < 0 { "in " } else { "" };
    let seconds = seconds.unsigned_abs();
    match seconds {
        0..=119 => format!("{ahead}{seconds} s"),
        120..=7199 => format!("{ahead}{} min", seconds.div_euclid(60)),
        7200..=172_799 => format!("{ahead}{} h", seconds.div_euclid(3600)),
        _ => format!("{ahead}{} d", seconds.div_euclid(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["name", ">size"]);
        table.row([&"a", &10]);
        table.row([&"long name", &1]);
        let mut out = Vec::new();
        table.write(&mut out, None, "").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "NAME       SIZE\na            10\nlong name     1\n");
    }
}

//! Aligned columns without borders.

use std::fmt::Display;
use std::io::{self, Write};

use finding::Time;

use crate::short::{Digits, cut};
use crate::wrap::wrap;

/// Aligned columns: an upper-case header, no borders, two blanks between columns.
///
/// Cells are made harmless by whoever fills them (`Text` does it by itself). Digests and ids are
/// shortened, as docker does; on a terminal the widest columns of words are cut until a row fits, and
/// the last columns are left out, by name, where that is not enough. `--no-trunc` does none of it.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shape {
    /// Columns of the terminal, if it is one.
    pub(crate) width: Option<usize>,
    /// Nothing is shortened.
    pub(crate) whole: bool,
}

/// The blanks between two columns.
const GAP: usize = 2;

/// No column is cut below this: what is cut further tells nothing.
const NARROWEST: usize = 12;

/// So many columns are always shown.
const ALWAYS: usize = 2;

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
        shape: Shape,
        heading: &str,
    ) -> io::Result<()> {
        let rows = if shape.whole {
            self.rows.clone()
        } else {
            let digits = Digits::for_cells(self.rows.iter().flatten().map(String::as_str));
            let short = |row: &Vec<String>| row.iter().map(|cell| digits.shorten(cell)).collect();
            self.rows.iter().map(short).collect()
        };
        let header: Vec<String> = self.header.iter().map(|name| name.to_uppercase()).collect();
        let mut widths: Vec<usize> = header.iter().map(|name| name.chars().count()).collect();
        for row in &rows {
            for (cell, widest) in row.iter().zip(&mut widths) {
                *widest = cell.chars().count().max(*widest);
            }
        }
        let mut shown = widths.len();
        if let Some(width) = shape.width.filter(|_| !shape.whole) {
            shown = self.that_fit(&widths, width);
            widths.truncate(shown);
            self.fit(&mut widths, width);
        }
        let reset = if heading.is_empty() { "" } else { "\x1b[0m" };
        writeln!(writer, "{heading}{}{reset}", self.line(&header, &widths))?;
        for row in &rows {
            writeln!(writer, "{}", self.line(row, &widths))?;
        }
        let hidden = header.get(shown..).unwrap_or_default();
        if !hidden.is_empty() {
            let line = format!("(not shown, for width: {})", hidden.join(", "));
            for line in wrap(&line, shape.width.unwrap_or(usize::MAX), 1) {
                writeln!(writer, "{line}")?;
            }
        }
        Ok(())
    }

    /// What a column takes at least: numbers are not cut.
    fn least(&self, widths: &[usize]) -> Vec<usize> {
        let columns = widths.iter().zip(&self.right);
        columns
            .map(|(wide, right)| {
                if *right {
                    *wide
                } else {
                    (*wide).min(NARROWEST)
                }
            })
            .collect()
    }

    /// How many columns fit, from the left, if words are cut.
    fn that_fit(&self, widths: &[usize], width: usize) -> usize {
        let mut taken = 0_usize;
        let least = self.least(widths);
        let fit = least.iter().take_while(|wide| {
            let gap = if taken == 0 { 0 } else { GAP };
            taken = taken.saturating_add(gap).saturating_add(**wide);
            taken <= width
        });
        fit.count().max(ALWAYS.min(widths.len()))
    }

    /// Takes from the widest column of words until a row fits.
    fn fit(&self, widths: &mut [usize], width: usize) {
        let gaps = widths.len().saturating_sub(1).saturating_mul(GAP);
        loop {
            let all = widths
                .iter()
                .fold(gaps, |sum, wide| sum.saturating_add(*wide));
            let over = all.saturating_sub(width);
            let words = widths.iter_mut().zip(&self.right);
            let words = words.filter(|(_, right)| !**right).map(|(wide, _)| wide);
            let mut columns: Vec<&mut usize> = words.filter(|wide| **wide > NARROWEST).collect();
            columns.sort_by_key(|wide| std::cmp::Reverse(**wide));
            let next = columns.get(1).map_or(NARROWEST, |wide| **wide);
            let Some(widest) = columns.first_mut().filter(|_| over > 0) else {
                return;
            };
            // Down to the next widest, and one at a time where they are equal.
            let step = over.min(widest.saturating_sub(next).max(1));
            **widest = widest.saturating_sub(step);
        }
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (number, ((cell, wide), right)) in cells.iter().zip(widths).zip(&self.right).enumerate()
        {
            if number > 0 {
                line.push_str("  ");
            }
            let cell = cut(cell, *wide);
            let blanks = " ".repeat(wide.saturating_sub(cell.chars().count()));
            if *right {
                line.push_str(&blanks);
            }
            line.push_str(&cell);
            if !right {
                line.push_str(&blanks);
            }
        }
        line.trim_end().to_owned()
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

    fn written(table: &Table, width: Option<usize>, whole: bool) -> String {
        let mut out = Vec::new();
        table.write(&mut out, Shape { width, whole }, "").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["name", ">size"]);
        table.row([&"a", &10]);
        table.row([&"long name", &1]);
        let text = "NAME       SIZE\na            10\nlong name     1\n";
        assert_eq!(written(&table, None, false), text);
    }

    #[test]
    fn an_empty_first_cell_keeps_its_column() {
        let mut table = Table::new(&["a", "b"]);
        table.row([&"", &"x"]);
        assert_eq!(written(&table, None, false), "A  B\n   x\n");
    }

    #[test]
    fn digests_are_shortened_and_stay_distinct() {
        let one = format!("sha256:{}", "ab".repeat(32));
        let other = format!("sha256:{}cd{}", "ab".repeat(10), "ab".repeat(21));
        let mut table = Table::new(&["digest", "used by"]);
        table.row([&one, &"x"]);
        assert_eq!(
            written(&table, None, false),
            "DIGEST               USED BY\nsha256:abababababab  x\n"
        );
        table.row([&other, &"y"]);
        let text = written(&table, None, false);
        assert!(text.contains("sha256:ababababababababababa  x"), "{text}");
        assert!(text.contains("sha256:ababababababababababc  y"), "{text}");
        let text = written(&table, Some(40), true);
        assert!(text.contains(&one) && text.contains(&other), "{text}");
    }

    #[test]
    fn a_row_fits_the_terminal_and_every_column_is_still_there() {
        let mut table = Table::new(&["namespace", "name", ">size", "image"]);
        table.row([
            &"k8s.io",
            &"registry.example/a/very/long/name/of/an/image:1.2.3",
            &"104.0 KiB",
            &"registry.example/another/very/long/name:latest",
        ]);
        for width in [60, 80] {
            let text = written(&table, Some(width), false);
            assert!(
                text.lines().all(|line| line.chars().count() <= width),
                "{text}"
            );
            assert!(text.contains("104.0 KiB") && text.contains('…'), "{text}");
            assert!(
                text.lines()
                    .all(|line| line.contains("IMAGE") || line.contains("latest"))
            );
        }
    }

    #[test]
    fn columns_that_do_not_fit_are_left_out_by_name() {
        let mut table = Table::new(&["namespace", "name", ">size", "created"]);
        let time = "2026-11-21T05:00:15.119496751Z";
        table.row([&"k8s.io", &"images.example/app:1", &"104.0 KiB", &time]);
        let text = written(&table, Some(40), false);
        assert!(
            text.lines().all(|line| line.chars().count() <= 40),
            "{text}"
        );
        assert!(
            text.ends_with("(not shown, for width: CREATED)\n"),
            "{text}"
        );
        let text = written(&table, Some(60), false);
        assert!(
            text.contains("2026-11-21T0") && !text.contains("not shown"),
            "{text}"
        );
        assert!(written(&table, Some(40), true).contains(time));
    }
}

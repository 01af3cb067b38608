//! Aligned columns without borders.

use std::fmt::Display;
use std::io::{self, Write};

use finding::Time;

use crate::short::{Digits, cut};
use crate::wrap::wrap;

/// Aligned columns: an upper-case header, no borders, two blanks between columns.
///
/// Cells are made harmless by whoever fills them (`Text` does it by itself). Digests and ids are
/// shortened, as docker does, to as many digits as tell them apart. On a terminal a row fits: columns that
/// tell least are left out, by name; words are cut; names are never cut, but go on below. `--no-trunc` does
/// none of it.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<&'static str>,
    kinds: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// What a column holds, and so what becomes of it where there is no room.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    /// Numbers: aligned to the right, never cut.
    is_number: bool,
    /// What one came for: never left out, never cut.
    is_name: bool,
    /// The first to be left out, the last of them first.
    is_extra: bool,
    /// Names that are paths: what they have in common stands once, above the table.
    is_path: bool,
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

/// No column of words is cut below this: what is cut further tells nothing.
const NARROWEST: usize = 12;

/// A name goes on below at this width, where it does not fit; narrower only where nothing else is left.
const NAME: usize = 24;

/// A list of names goes on below for so many lines.
const LINES: usize = 3;

/// A digest or a time is not cut, if it is no longer than this.
const WHOLE: usize = 44;

impl Table {
    /// A table with these columns. A name that starts with `>` is one of numbers, with `!` one of names,
    /// with `/` one of paths, with `~` one that is left out first where there is no room.
    pub fn new(columns: &[&'static str]) -> Self {
        let mut header = Vec::new();
        let mut kinds = Vec::new();
        for name in columns {
            let mut kind = Column::default();
            let mut rest = *name;
            while let Some(first) = rest.chars().next().filter(|first| ">!~/".contains(*first)) {
                kind.is_number |= first == '>';
                kind.is_name |= matches!(first, '!' | '/');
                kind.is_path |= first == '/';
                kind.is_extra |= first == '~';
                rest = rest.get(1..).unwrap_or_default();
            }
            header.push(rest);
            kinds.push(kind);
        }
        Self {
            header,
            kinds,
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
            let is_narrow = shape.width.is_some();
            let short = |cell: &String| {
                let cell = digits.shorten(cell);
                if is_narrow { seconds(cell) } else { cell }
            };
            let row = |row: &Vec<String>| row.iter().map(short).collect();
            self.rows.iter().map(row).collect()
        };
        let header: Vec<String> = self.header.iter().map(|name| name.to_uppercase()).collect();
        let (rows, common) = self.fitted(&header, rows, shape);
        for (name, folder) in common {
            writeln!(writer, "({name}: below {folder})")?;
        }
        let mut widths = widest(&header, &rows);
        let mut shown = vec![true; widths.len()];
        if let Some(width) = shape.width.filter(|_| !shape.whole) {
            let least = self.least(&header, &rows, &widths);
            self.leave_out(&mut shown, &widths, &least, width);
            self.fit(&mut widths, &least, &shown, width);
        }
        let reset = if heading.is_empty() { "" } else { "\x1b[0m" };
        for line in self.lines(&header, &widths, &shown) {
            writeln!(writer, "{heading}{line}{reset}")?;
        }
        for row in &rows {
            for line in self.lines(row, &widths, &shown) {
                writeln!(writer, "{line}")?;
            }
        }
        let hidden = header.iter().zip(&shown).filter(|(_, shown)| !**shown);
        let hidden: Vec<&str> = hidden.map(|(name, _)| name.as_str()).collect();
        if !hidden.is_empty() {
            let line = format!("(not shown, for width: {})", hidden.join(", "));
            for line in wrap(&line, shape.width.unwrap_or(usize::MAX), 1) {
                writeln!(writer, "{line}")?;
            }
        }
        Ok(())
    }

    /// The rows, where they do not fit without what paths have in common, and what that is.
    fn fitted(
        &self,
        header: &[String],
        mut rows: Vec<Vec<String>>,
        shape: Shape,
    ) -> (Vec<Vec<String>>, Vec<(String, String)>) {
        let widths = widest(header, &rows);
        let gaps = widths.len().saturating_sub(1).saturating_mul(GAP);
        let all = widths
            .iter()
            .fold(gaps, |sum, one| sum.saturating_add(*one));
        let mut common = Vec::new();
        if shape.whole || shape.width.is_none_or(|width| all <= width) {
            return (rows, common);
        }
        let paths = self.kinds.iter().zip(header).enumerate();
        for (at, (_, name)) in paths.filter(|(_, (kind, _))| kind.is_path) {
            let cells = rows.iter().filter_map(|row| Some(row.get(at)?.as_str()));
            let Some(folder) = common_folder(cells) else {
                continue;
            };
            for cell in rows.iter_mut().filter_map(|row| row.get_mut(at)) {
                if let Some(rest) = cell.strip_prefix(&folder) {
                    *cell = rest.to_owned();
                }
            }
            common.push((name.clone(), folder));
        }
        (rows, common)
    }

    /// What a column takes at least: numbers, digests and times are not cut, names go on below.
    fn least(&self, header: &[String], rows: &[Vec<String>], widths: &[usize]) -> Vec<usize> {
        let columns = self.kinds.iter().zip(widths).zip(header).enumerate();
        let least = columns.map(|(at, ((kind, wide), name))| {
            if kind.is_number {
                return *wide;
            }
            let least = if kind.is_name { NAME } else { NARROWEST };
            let cells = rows.iter().filter_map(|row| row.get(at));
            let whole = cells
                .filter(|cell| is_whole(cell))
                .map(|cell| cell.chars().count());
            let whole = whole.filter(|wide| *wide <= WHOLE).max().unwrap_or(0);
            least.max(whole).max(name.chars().count()).min(*wide)
        });
        least.collect()
    }

    /// Leaves out columns until names fit: first those that tell least, then numbers and words from the
    /// right, where names would have no room at all.
    fn leave_out(&self, shown: &mut [bool], widths: &[usize], least: &[usize], width: usize) {
        let taken = |shown: &[bool], is_whole: bool| {
            let columns = self.kinds.iter().zip(widths).zip(least).zip(shown);
            let of = columns.filter(|(_, shown)| **shown);
            let of = of.map(|(((kind, wide), least), _)| {
                // What is extra is shown whole, or not at all.
                if (kind.is_name && is_whole) || kind.is_extra {
                    *wide
                } else {
                    *least
                }
            });
            let (sum, count) = of.fold((0_usize, 0_usize), |(sum, count), one| {
                (sum.saturating_add(one), count.saturating_add(1))
            });
            sum.saturating_add(count.saturating_sub(1).saturating_mul(GAP))
        };
        let mut hide = |is_whole: bool, may_go: fn(&Column) -> bool| {
            while taken(shown, is_whole) > width {
                let kinds = self.kinds.iter().zip(shown.iter_mut());
                let mut kinds = kinds
                    .skip(1)
                    .filter(|(kind, shown)| **shown && may_go(kind));
                let Some((_, rightmost)) = kinds.next_back() else {
                    return;
                };
                *rightmost = false;
            }
        };
        hide(true, |kind| kind.is_extra && !kind.is_name);
        hide(false, |kind| kind.is_number && !kind.is_name);
        hide(false, |kind| !kind.is_name);
        // A narrow one may fit in the room of a wide one that went after it.
        for index in 0..shown.len() {
            let Some(is_shown) = shown.get_mut(index).filter(|is_shown| !**is_shown) else {
                continue;
            };
            *is_shown = true;
            if taken(shown, false) > width
                && let Some(is_shown) = shown.get_mut(index)
            {
                *is_shown = false;
            }
        }
    }

    /// Takes from the widest column until a row fits: from words first, then from names.
    fn fit(&self, widths: &mut [usize], least: &[usize], shown: &[bool], width: usize) {
        let count = shown.iter().filter(|shown| **shown).count();
        let gaps = count.saturating_sub(1).saturating_mul(GAP);
        for (is_name, floor) in [(false, None), (true, None), (true, Some(NARROWEST))] {
            loop {
                let all = widths.iter().zip(shown).filter(|(_, shown)| **shown);
                let all = all.fold(gaps, |sum, (wide, _)| sum.saturating_add(*wide));
                let over = all.saturating_sub(width);
                let columns = widths.iter_mut().zip(least).zip(&self.kinds).zip(shown);
                let mut columns: Vec<(&mut usize, usize)> = columns
                    .filter(|((_, kind), shown)| {
                        **shown && kind.is_name == is_name && !kind.is_number
                    })
                    .map(|(((wide, least), _), _)| (wide, floor.unwrap_or(*least)))
                    .filter(|(wide, least)| **wide > *least)
                    .collect();
                columns.sort_by_key(|(wide, _)| std::cmp::Reverse(**wide));
                let next = columns.get(1).map_or(0, |(wide, _)| **wide);
                let Some((widest, least)) = columns.first_mut().filter(|_| over > 0) else {
                    break;
                };
                // Down to the next widest, and one at a time where they are equal.
                let step = over.min(widest.saturating_sub(next.max(*least)).max(1));
                **widest = widest.saturating_sub(step);
            }
        }
    }

    /// The lines of a row: more than one where a name goes on below.
    fn lines(&self, cells: &[String], widths: &[usize], shown: &[bool]) -> Vec<String> {
        let columns = cells.iter().zip(widths).zip(&self.kinds).zip(shown);
        let columns = columns.filter(|(_, shown)| **shown);
        let columns: Vec<(Vec<String>, usize, bool)> = columns
            .map(|(((cell, wide), kind), _)| {
                let lines = if kind.is_name {
                    broken(cell, *wide)
                } else {
                    vec![cut(cell, *wide)]
                };
                (lines, *wide, kind.is_number)
            })
            .collect();
        let height = columns.iter().map(|(lines, ..)| lines.len()).max();
        let lines = (0..height.unwrap_or(1)).map(|number| {
            let mut line = String::new();
            for (at, (cells, wide, is_number)) in columns.iter().enumerate() {
                if at > 0 {
                    line.push_str("  ");
                }
                let cell = cells.get(number).map_or("", String::as_str);
                let blanks = " ".repeat(wide.saturating_sub(cell.chars().count()));
                if *is_number {
                    line.push_str(&blanks);
                }
                line.push_str(cell);
                if !is_number {
                    line.push_str(&blanks);
                }
            }
            line.trim_end().to_owned()
        });
        lines.collect()
    }
}

fn widest(header: &[String], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = header.iter().map(|name| name.chars().count()).collect();
    for row in rows {
        for (cell, widest) in row.iter().zip(&mut widths) {
            *widest = cell.chars().count().max(*widest);
        }
    }
    widths
}

/// Whether a cell is told by its digits: a digest, an id, a time.
fn is_whole(cell: &str) -> bool {
    let digits = |byte: u8| byte.is_ascii_hexdigit();
    let mut runs = cell.as_bytes().split(|byte| !digits(*byte));
    runs.any(|run| run.len() >= 12) || is_time(cell)
}

fn is_time(cell: &str) -> bool {
    cell.len() >= 20 && cell.ends_with('Z') && Time::parse(cell).is_ok()
}

/// A time to the second: nine digits more tell nothing in a table.
fn seconds(cell: String) -> String {
    match cell.split_once('.') {
        Some((whole, _)) if is_time(&cell) => format!("{whole}Z"),
        _ => cell,
    }
}

/// The folder that all of these paths are in, with its slash, if it is worth a line.
fn common_folder<'c>(mut cells: impl Iterator<Item = &'c str>) -> Option<String> {
    let first = cells.next()?;
    let mut common = first.rsplit_once('/')?.0;
    for cell in cells {
        while !(cell.starts_with(common) && cell.get(common.len()..)?.starts_with('/')) {
            common = common.rsplit_once('/')?.0;
        }
    }
    (common.len() >= 8 && common.starts_with('/')).then(|| format!("{common}/"))
}

/// A name in lines of at most `wide` letters: broken after a comma, a slash or a colon where one is near.
fn broken(cell: &str, wide: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<char> = cell.chars().collect();
    while rest.len() > wide && wide > 0 {
        let near = wide.div_euclid(3);
        let head = rest.get(..wide).unwrap_or_default();
        let blank = head.iter().rposition(|letter| *letter == ' ');
        let part = head.iter().rposition(|letter| "/:,-_@.".contains(*letter));
        let end = [blank, part].into_iter().flatten().find(|at| *at > near);
        let end = end.map_or(wide, |at| at.saturating_add(1));
        let tail = rest.split_off(end.min(rest.len()));
        lines.push(rest.iter().collect::<String>().trim_end().to_owned());
        rest = tail;
    }
    lines.push(rest.into_iter().collect());
    // Of a list the first say what they are; `--no-trunc` has all.
    if lines.len() > LINES && cell.contains(", ") {
        lines.truncate(LINES);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(wide.saturating_sub(2)).collect();
            *last = format!("{} …", kept.trim_end());
        }
    }
    lines
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
    fn names_are_never_cut() {
        let mut table = Table::new(&["namespace", "!name", ">size", "~known", "!image"]);
        let name = "registry.example/a/very/long/name/of/an/image:1.2.3";
        let image = "registry.example/another/very/long/name:latest";
        table.row([&"k8s.io", &name, &"104.0 KiB", &"sure", &image]);
        for width in [60, 80] {
            let text = written(&table, Some(width), false);
            assert!(
                text.lines().all(|line| line.chars().count() <= width),
                "{text}"
            );
            assert!(!text.contains('…'), "{text}");
            let rows: Vec<&str> = text.lines().skip(1).collect();
            for part in name
                .split(['/', ':', '.'])
                .chain(image.split(['/', ':', '.']))
            {
                assert!(
                    rows.iter().any(|row| row.contains(part)),
                    "{part} in {text}"
                );
            }
        }
    }

    #[test]
    fn what_paths_have_in_common_stands_once() {
        let mut table = Table::new(&[">size", "kind", "/path"]);
        let root = "/var/lib/containerd/io.containerd.snapshotter.v1";
        table.row([&1, &"active", &format!("{root}.overlayfs/snapshots/3")]);
        table.row([&2, &"active", &format!("{root}.native/snapshots/3")]);
        let text = written(&table, Some(66), false);
        assert!(
            text.starts_with("(PATH: below /var/lib/containerd/)\n"),
            "{text}"
        );
        assert!(text.contains("v1.overlayfs/snapshots/3"), "{text}");
        assert!(!written(&table, Some(100), false).contains("below"));
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
        table.row([&"k8s.io", &"images.example/app", &"9 KiB", &time]);
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
            text.contains("2026-11-21T05:00:15Z") && !text.contains("not shown"),
            "{text}"
        );
        assert!(written(&table, Some(40), true).contains(time));
    }
}

//! When an archive of somebody's making was taken: the newest time in it, but for a few files that were
//! made or made anew long after all others.

use finding::Time;

/// How many of the newest times are kept.
const KEPT: usize = 16;
/// How many files may be younger than the capture.
const STRAYS: usize = 4;
/// Seconds by which they must be younger than the next one.
const GAP: i64 = 3600;

/// The newest times that were seen, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Newest(Vec<Time>);

impl Newest {
    pub(crate) fn see(&mut self, time: Time) {
        let at = self.0.partition_point(|other| *other > time);
        if at < KEPT {
            self.0.insert(at, time);
            self.0.truncate(KEPT);
        }
    }

    /// The newest time that is not one of a few strays. Of a handful of files all count.
    pub(crate) fn captured(&self) -> Option<Time> {
        let whole = self.0.len() == KEPT;
        let strays = (1..=STRAYS).filter(|count| {
            let last = count.checked_sub(1).and_then(|last| self.0.get(last));
            let next = self.0.get(*count);
            last.zip(next)
                .is_some_and(|(last, next)| last.since(*next) > GAP)
        });
        let strays = strays.filter(|_| whole).max().unwrap_or(0);
        self.0.get(strays).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest_time(seconds: impl IntoIterator<Item = i64>) -> Option<Time> {
        let mut newest = Newest::default();
        for second in seconds {
            newest.see(Time::new(second, 0));
        }
        newest.captured()
    }

    #[test]
    fn a_few_files_made_anew_do_not_move_the_capture() {
        let node = || 1_000..1_100_i64;
        assert_eq!(newest_time(node()), Some(Time::new(1_099, 0)));
        assert_eq!(
            newest_time(node().chain([90_000])),
            Some(Time::new(1_099, 0))
        );
        assert_eq!(
            newest_time([90_000, 80_000].into_iter().chain(node())),
            Some(Time::new(1_099, 0))
        );
        // Many are no strays, and a few minutes are no gap.
        let many = 90_000..90_005;
        assert_eq!(newest_time(node().chain(many)), Some(Time::new(90_004, 0)));
        assert_eq!(
            newest_time(node().chain([1_500])),
            Some(Time::new(1_500, 0))
        );
        assert_eq!(newest_time([1, 90_000]), Some(Time::new(90_000, 0)));
        assert_eq!(newest_time([]), None);
    }
}

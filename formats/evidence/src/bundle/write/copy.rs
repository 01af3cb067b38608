//! From records to members: what is collected is read, hashed and written.

use std::io::{self, Write};

use finding::{Time, Unread};
use sha2::{Digest, Sha256};

use super::walk::Walk;
use super::{Helper, Prepared, Replaced, len};
use crate::bundle::manifest::{Fate, GONE, HIDDEN, Record, Trailer};
use crate::tar::build::{self, Item};
use crate::zframe::Frames;
use crate::{Pages, Stat, path};

impl Walk<'_> {
    /// Writes one member, if the record is to have one.
    pub(super) fn copy(
        &mut self,
        path: &[u8],
        record: &Record,
        helper: &mut dyn Helper,
        out: &mut Frames<impl Write>,
        trailer: &mut Trailer,
    ) -> io::Result<()> {
        let shown = record.path.0.bytes();
        let name = shown.strip_prefix(b"/").unwrap_or(shown);
        if name.is_empty() || record.only_kind {
            return Ok(());
        }
        let mut item = Item::file(name, 0, record.mtime.map_or(Time::new(0, 0), |time| time.0));
        (item.mode, item.uid, item.gid) = (record.mode, record.uid, record.gid);
        match (record.kind, &record.target, &record.same) {
            ('d', _, _) => {
                item.flag = b'5';
                return build::member(out, &item);
            }
            ('l', Some(target), _) => {
                item.flag = b'2';
                item.link = target.0.bytes();
                return build::member(out, &item);
            }
            ('f', _, _) if record.collected => {}
            _ => return Ok(()),
        }
        let mut fate = Fate {
            path: record.path.clone(),
            ..Fate::default()
        };
        let at = path::path(path);
        if let Some(held) = self.held.remove(path) {
            let mut bytes = held.to_vec();
            match helper.mask(at, &mut bytes) {
                None => self.hide(record, &mut fate),
                Some(masked) => {
                    let prepared = Prepared {
                        bytes,
                        masked,
                        changed: false,
                        note: None,
                    };
                    self.put(prepared, &mut item, &mut fate, out)?;
                }
            }
        } else {
            // It is stat'ed again: the walk may be a while ago.
            let prepared = self.evidence.stat(at);
            if let Ok(now) = &prepared {
                self.compare(path, record, now, &mut fate);
            }
            let prepared = prepared.map(|stat| helper.prepare(at, &stat));
            match prepared {
                Err(unread) | Ok(Some(Err(unread))) => self.fail(path, &mut fate, unread),
                Ok(Some(Ok(Replaced::Hidden))) => self.hide(record, &mut fate),
                Ok(Some(Ok(Replaced::Bytes(prepared)))) => {
                    self.put(prepared, &mut item, &mut fate, out)?;
                }
                Ok(None) => match self.evidence.pages(at) {
                    Err(unread) => self.fail(path, &mut fate, unread),
                    Ok(pages) => self.stream(&pages, &mut item, &mut fate, out)?,
                },
            }
        }
        if fate.changed {
            self.summary.changed.push(path::shown(at));
        }
        if fate.failed.is_none() {
            helper.packed(item.size);
        }
        trailer.members.push(fate);
        Ok(())
    }

    fn hide(&mut self, record: &Record, fate: &mut Fate) {
        fate.failed = Some(HIDDEN.to_owned());
        self.summary.hidden.push(record.path.0.clone());
    }

    /// Says where another file has taken the name since it was seen, or the file was cut: of
    /// databases, which nobody replaces while a node runs.
    fn compare(&mut self, path: &[u8], record: &Record, now: &Stat, fate: &mut Fate) {
        let was = (record.dev, record.ino.map(|ino| ino.0));
        let is_other = was.1.is_some() && was != (now.dev, now.ino);
        let is_cut = now.size < record.size.0;
        if !path.ends_with(b".db") || !(is_other || is_cut) {
            return;
        }
        let note = match (is_other, is_cut) {
            (true, _) => "another file took its name after it was seen: this is the later one",
            (false, _) => "it was cut after it was seen: this is what was left",
        };
        let shown = path::shown(path::path(path));
        self.summary.replaced.push(shown.clone());
        self.summary.notes.push((shown, note.to_owned()));
        fate.note = Some(note.to_owned());
    }

    fn fail(&mut self, path: &[u8], fate: &mut Fate, unread: Unread) {
        let shown = path::shown(path::path(path));
        if unread.is_absent() {
            // A node that runs: it was there a moment ago.
            fate.failed = Some(GONE.to_owned());
            self.summary.gone.push(shown);
        } else {
            fate.failed = Some(unread.to_string());
            self.summary.unread.push((shown, unread));
        }
    }

    /// Writes a member of bytes that are at hand.
    fn put(
        &mut self,
        prepared: Prepared,
        item: &mut Item<'_>,
        fate: &mut Fate,
        out: &mut Frames<impl Write>,
    ) -> io::Result<()> {
        item.size = len(&prepared.bytes);
        build::member(out, item)?;
        out.write_all(&prepared.bytes)?;
        build::pad(out, item.size)?;
        fate.sha256 = Some(hex::encode(Sha256::digest(&prepared.bytes)));
        fate.changed = prepared.changed;
        fate.masked = prepared.masked;
        let shown = path::shown(path::path(item.name));
        if prepared.masked > 0 {
            self.summary.masked.push((shown.clone(), prepared.masked));
        }
        if let Some(note) = prepared.note {
            self.summary.notes.push((shown, note.clone()));
            fate.note = Some(match fate.note.take() {
                Some(before) => format!("{before}; {note}"),
                None => note,
            });
        }
        self.count(item.size);
        Ok(())
    }

    fn count(&mut self, bytes: u64) {
        self.summary.files = self.summary.files.saturating_add(1);
        self.summary.bytes = self.summary.bytes.saturating_add(bytes);
    }

    /// Writes a member piece by piece, holes left out.
    fn stream(
        &mut self,
        pages: &Pages,
        item: &mut Item<'_>,
        fate: &mut Fate,
        out: &mut Frames<impl Write>,
    ) -> io::Result<()> {
        let spans: Vec<_> = pages.data().collect();
        let data = spans
            .iter()
            .fold(0_u64, |sum, span| sum.saturating_add(span.len));
        item.size = pages.len();
        let header = Item {
            sparse: (data != pages.len()).then_some(spans.as_slice()),
            ..*item
        };
        build::member(out, &header)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; usize::try_from(data.min(256 << 10)).unwrap_or(1)];
        'spans: for span in &spans {
            let mut start = span.start;
            while start < span.end() {
                let room = len(&buffer).min(span.end().saturating_sub(start));
                let piece = buffer.get_mut(..usize::try_from(room).unwrap_or(0));
                let piece = piece.unwrap_or_default();
                if let Err(unread) = pages.read_at(start, piece) {
                    // The header promised so many bytes: zeros instead, and said so.
                    fate.changed |= unread == Unread::Changed;
                    if unread != Unread::Changed {
                        fate.failed = Some(unread.to_string());
                    }
                    piece.fill(0);
                }
                hasher.update(&*piece);
                out.write_all(piece)?;
                start = start.saturating_add(room);
                if room == 0 {
                    break 'spans;
                }
            }
        }
        build::pad(out, data)?;
        fate.changed |= pages.unchanged() == Err(Unread::Changed);
        fate.sha256 = Some(hex::encode(hasher.finalize()));
        self.count(data);
        Ok(())
    }
}

//! What the daemons said, as far as it is known what it means, and their starts.

use std::io;

use finding::Text;
use logs::{Ended, Program};

use crate::gather::Gather;
use crate::subject::{Store, Subject, What};

/// So many letters of a line are told.
const LETTERS: usize = 400;

impl Gather<'_> {
    pub(crate) fn said(&mut self) -> io::Result<()> {
        let gathered = logs::gather(self.evidence, &logs::Options::default(), self.control);
        // Who has no logs lacks nothing of them.
        if !gathered.sources.is_empty() {
            self.unknown.extend(gathered.unread.iter().cloned());
        }
        let place = |line: usize| {
            let line = gathered.lines.get(line)?;
            let source = gathered.sources.get(line.source)?;
            Some(Text::from(source.path.as_str()))
        };
        for start in logs::starts(&gathered.lines, Program::Containerd) {
            let mut subject = Subject::new(Store::Logs, "start of", Program::Containerd.name());
            subject.place = place(start.lines.0);
            subject.at(What::Started, start.at);
            subject.at(What::Finished, start.end);
            subject.more = match &start.ended {
                Ended::Running => "it runs where the logs end".to_owned(),
                Ended::Stopped => "it was stopped".to_owned(),
                Ended::Killed { signal } => format!("it was killed by {signal}"),
                Ended::Panicked => "it panicked".to_owned(),
                Ended::Exited { status } => format!("it exited with status {status}"),
                Ended::NodeDown => "the node went down".to_owned(),
                Ended::Unknown => "nothing says how it ended".to_owned(),
            };
            self.give(&subject)?;
        }
        for (number, message) in logs::explained(&gathered.lines).into_iter().enumerate() {
            let (Some(message), Some(line)) = (message, gathered.lines.get(number)) else {
                continue;
            };
            let said = line.text.bytes();
            let said = said.get(..said.len().min(LETTERS)).unwrap_or_default();
            let said = String::from_utf8_lossy(said);
            let name = format!("of {}: {said}", line.program.name());
            let mut subject = Subject::new(Store::Logs, "line", name.as_str());
            subject.place = place(number);
            subject.at(What::Said, line.time);
            message.key.clone_into(&mut subject.more);
            self.give(&subject)?;
        }
        Ok(())
    }
}

//! `--fail-on`: from which severity on a finding counts for the exit code.

use cli::Exit;
use finding::Severity;

/// From which severity on a finding counts for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum FailOn {
    /// Every finding
    Note,
    /// Whatever is above a note
    #[default]
    Odd,
    /// Damage, and what is fatal
    Damage,
    /// Only what is fatal
    Fatal,
    /// No finding
    Never,
}

impl FailOn {
    /// What findings of these severities mean for the exit code.
    pub(crate) fn exit(self, severities: impl IntoIterator<Item = Severity>) -> Exit {
        let least = match self {
            Self::Note => Severity::Note,
            Self::Odd => Severity::Odd,
            Self::Damage => Severity::Damage,
            Self::Fatal => Severity::Fatal,
            Self::Never => return Exit::CLEAN,
        };
        if severities.into_iter().any(|severity| severity >= least) {
            Exit::FINDINGS
        } else {
            Exit::CLEAN
        }
    }
}

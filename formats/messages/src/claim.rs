//! What may be claimed of what was found: by who speaks, at which level, and by what else stands in the line.

use crate::explain::{Head, Layer, LayerKnown};
use crate::inside::{is_held, words_of};
use crate::message::{Component, Message, Role, Sure, Whose};
use crate::peel::Peeled;
use crate::scope::Line;
use crate::speaker::Speaker;
use crate::{context, hedge};

/// What gives the words of a program in a container: they are not ours to explain.
const QUOTES: &[&str] = &["probe-failed", "lifecycle-hook", "build-step"];

/// A message that quotes a program in a container, unless the runtime did not come to run it.
pub(crate) fn quoting(layers: &[Layer], line: &Line) -> Option<&'static Message> {
    let is_runtimes = ["rpc error", "oci runtime"]
        .iter()
        .any(|word| line.whole.contains(word));
    let mut messages = layers.iter().filter_map(|layer| match layer.known {
        Some(LayerKnown::Message(message)) => Some(message),
        _ => None,
    });
    // What the agent of the pods' network says of itself is known.
    let is_networks =
        |message: &&Message| message.who == Component::Cni && message.role == Role::Cause;
    if messages.clone().any(|message| is_networks(&message)) {
        return None;
    }
    let quoting = messages.find(|message| QUOTES.contains(&message.key))?;
    (!is_runtimes && context::claims(quoting, line, false)).then_some(quoting)
}

/// What may be claimed, after who speaks, how, and what else stands in the line.
pub(crate) fn hedged(
    head: Head,
    layers: &[Layer],
    peeled: &Peeled,
    speaker: Speaker,
    tells_failure: bool,
    line: &Line,
) -> Option<Head> {
    let Head::Cause(cause) = head else {
        // Go's runtime speaks in anybody's program.
        let is_nobodys = speaker.is_unrelated && head.who() != Component::Go;
        return (!is_nobodys || matches!(head, Head::Generic(_))).then_some(head);
    };
    // Nearly any line of that program has its text, and no word of it says that something failed.
    let is_it = |layer: &&Layer| matches!(layer.known, Some(LayerKnown::Message(message)) if message.key == cause.key);
    let is_broad = layers
        .iter()
        .rfind(is_it)
        .is_some_and(|layer| layer.is_broad);
    if cause.whose != Whose::Nobody && is_broad && !tells_failure {
        return None;
    }
    // In a stranger's line a long text is that of a program that the stranger ran; few words may be its own.
    let is_long = layers
        .iter()
        .rfind(is_it)
        .is_some_and(|layer| !layer.is_short && !layer.is_broad);
    if speaker.is_unrelated && cause.who != Component::Go && !is_long {
        return None;
    }
    // Another speaks, and nothing of the line shows that it passes the runtime's words on; or the words are few, and
    // nothing shows whose they are.
    let is_short = layers
        .iter()
        .rfind(is_it)
        .is_some_and(|layer| layer.is_short);
    let is_shorts = is_short && cause.whose != Whose::Nobody;
    if speaker.is_anothers(cause.who, &line.whole)
        || is_shorts && cause.who == Component::Kernel && !speaker.is_kernels(&line.whole)
        || is_shorts && !speaker.shows_well(cause.who, &line.whole) && !has_kin(cause, layers)
    {
        return Some(Head::Act(cause, None));
    }
    // A setting or a store of containerd's is at fault only where the line shows containerd.
    let is_its_own = matches!(cause.whose, Whose::Settings | Whose::Stores | Whose::Daemon);
    let is_daemons = matches!(
        cause.who,
        Component::Containerd | Component::Cri | Component::System
    );
    let is_shown = speaker.shows_well(Component::Containerd, &line.whole)
        || speaker.shows_well(Component::Cri, &line.whole)
        || ["runtime", "snapshot", "plugin", "sandbox", "toml"]
            .iter()
            .any(|word| line.whole.contains(word));
    if is_its_own
        && is_daemons
        && cause.sure != Sure::Certain
        && !is_shown
        && !has_kin(cause, layers)
    {
        return Some(Head::Act(cause, None));
    }
    // A text of few words that takes in whatever follows does not tell of what follows.
    let goes_on = layers.iter().rfind(is_it).is_some_and(|layer| {
        (layer.is_short || layer.is_broad)
            && layer.takes_the_rest
            && layer.holes.last().is_some_and(|rest| says_more(rest))
    });
    if goes_on && cause.sure == Sure::Likely && cause.whose != Whose::Nobody && !is_held(cause, "-")
    {
        return Some(Head::Act(cause, None));
    }
    let level = peeled.level.as_deref().unwrap_or_default();
    // What a program gives as a detail of its work is no fault that it names.
    if ["debug", "trace", "debu", "trac"].contains(&level.to_ascii_lowercase().as_str())
        && cause.whose != Whose::Nobody
    {
        return Some(Head::Act(cause, None));
    }
    let is_news = ["info", "notice", "i"].contains(&level.to_ascii_lowercase().as_str());
    if is_news && !tells_failure && cause.whose != Whose::Nobody {
        return Some(Head::Act(cause, None));
    }
    // A text of few words, or one that takes in whatever follows, proves nothing alone.
    let is_loose = is_broad || is_short;
    let proves = !is_news && !is_loose && !is_in_doubt(cause, layers);
    // A program of a container is started by others than runtimes, too.
    let is_runtimes = matches!(
        cause.who,
        Component::Runc | Component::Crun | Component::Shim
    );
    if is_runtimes && cause.sure == Sure::Likely && !speaker.shows(cause.who, &line.whole) {
        return Some(Head::Cause(hedge::as_open(cause)));
    }
    Some(Head::Cause(hedge::as_told(cause, cause.who, proves)))
}

/// Whether what follows a text is a sentence of its own, not a name or a number.
fn says_more(rest: &str) -> bool {
    const LEAST: usize = 4;
    words_of(rest).take(LEAST).count() == LEAST
}

/// Whether another piece of the line is of the same program: two texts of one are no chance.
fn has_kin(cause: &Message, layers: &[Layer]) -> bool {
    layers.iter().any(|layer| match layer.known {
        Some(LayerKnown::Message(message)) => {
            message.key != cause.key && message.who.is_kin(cause.who)
        }
        Some(LayerKnown::Text(text)) => text.who.is_kin(cause.who),
        None => false,
    })
}

/// Whether a cause is followed by what its text does not tell of.
fn is_in_doubt(cause: &'static Message, layers: &[Layer]) -> bool {
    let is_it = |layer: &Layer| matches!(layer.known, Some(LayerKnown::Message(message)) if message.key == cause.key);
    let Some(at) = layers.iter().rposition(is_it) else {
        // It was found in the middle of a sentence.
        return true;
    };
    if layers.get(at).is_some_and(|layer| layer.is_open) {
        return false;
    }
    let inner = layers.get(at.saturating_add(1)..).unwrap_or_default();
    inner.iter().any(|layer| match layer.known {
        Some(LayerKnown::Message(message)) => {
            !matches!(message.role, Role::Class | Role::Wrapper) && message.key != "invalid"
        }
        Some(LayerKnown::Text(_)) => true,
        None => layer.text.split(' ').count() > 1,
    })
}

/// As whom the line shows to have said it.
pub(crate) fn said_by(head: Head, speaker: Speaker, line: &Line) -> Head {
    let asker = speaker.speaker_of(Component::Cri, &line.whole);
    let as_told = |message: &'static Message| {
        let told = hedge::as_told(message, speaker.speaker_of(message.who, &line.whole), true);
        hedge::as_asked(told, asker)
    };
    match head {
        Head::Cause(message) => Head::Cause(as_told(message)),
        Head::Act(message, word) => Head::Act(as_told(message), word),
        Head::Place(message, word) => Head::Place(as_told(message), word),
        Head::Consequence(message) => {
            Head::Consequence(as_told(context::of_its_unit(message, &line.whole)))
        }
        Head::Text(..) | Head::Generic(_) => head,
    }
}

/// The innermost piece that is not known, where what decides is no cause.
pub(crate) fn detail(head: Option<&Head>, layers: &[Layer]) -> Option<String> {
    /// Longer ones are whole lines.
    const MOST: usize = 240;
    if layers.len() < 2 || matches!(head, None | Some(Head::Cause(_))) {
        return None;
    }
    let is_telling = |layer: &&Layer| match layer.known {
        // A word alone is a call's name.
        None => layer.text.contains(' '),
        Some(LayerKnown::Text(_)) => false,
        Some(LayerKnown::Message(message)) => {
            !matches!(message.role, Role::Class | Role::Wrapper | Role::Errno)
        }
    };
    let last = layers.iter().rev().find(is_telling)?;
    let is_new = last.known.is_none() && last.text.len() <= MOST;
    is_new.then(|| last.text.clone())
}

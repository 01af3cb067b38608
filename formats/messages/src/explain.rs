//! What a line means: its innermost cause decides.

use serde::Serialize;

use crate::book::{self, Hit, Known};
use crate::chain::Chain;
use crate::claim::{detail, hedged, quoting, said_by};
use crate::clear::{Clears, clears, doubted, without_harmless};
use crate::context;
use crate::engine::{Engine, with_commands_of};
use crate::failure;
use crate::files::Product;
use crate::hedge::as_told;
use crate::inside::{Inside, inside_of, is_quoted};
use crate::message::{Component, Message, Role, Sure, Whose};
use crate::object;
use crate::peel::{LINE_LIMIT, Peeled, peel};
use crate::place;
use crate::scope::Line;
use crate::speaker::Speaker;
use crate::text::Text;

/// A line, explained.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// What decides.
    pub head: Option<Head>,
    /// Where it comes from, as far as the whole line tells, where no cause is known.
    pub place: Option<&'static Message>,
    /// Every piece of it, outermost first.
    pub layers: Vec<Layer>,
    /// The program that the journal names.
    pub program: Option<String>,
    /// The level that the program gave.
    pub level: Option<String>,
    /// When, as the line has it.
    pub time: Option<String>,
    /// Fields beside the message: id, namespace, pod.
    pub fields: Vec<(String, String)>,
    /// The line's own word for why, where what decides does not tell it: its innermost piece that is not known.
    pub detail: Option<String>,
    /// Whether a word of it says that something failed.
    pub tells_failure: bool,
    /// Whether the line itself shows that who says this mostly has said it here.
    pub shows_speaker: bool,
}

/// What decides what a line means.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// A cause that is known.
    Cause(&'static Message),
    /// What was being done is known, why it failed is not, or only by a word that many causes have.
    Act(&'static Message, Option<&'static Message>),
    /// A text whose place in the source is known, and no more; with the system's word if there is one.
    Text(&'static Text, Option<&'static Message>),
    /// Neither is known; who said it and what was being done then is told by words of the line, with the system's word
    /// if there is one.
    Place(&'static Message, Option<&'static Message>),
    /// Only what follows from something else.
    Consequence(&'static Message),
    /// Only a word that many causes have.
    Generic(&'static Message),
}

impl Head {
    /// The message, where it is one.
    pub const fn message(&self) -> Option<&'static Message> {
        match self {
            Self::Cause(message)
            | Self::Act(message, _)
            | Self::Place(message, _)
            | Self::Consequence(message)
            | Self::Generic(message) => Some(message),
            Self::Text(..) => None,
        }
    }

    /// Who said it.
    pub const fn who(&self) -> Component {
        match self {
            Self::Text(text, _) => text.who,
            Self::Cause(message)
            | Self::Act(message, _)
            | Self::Place(message, _)
            | Self::Consequence(message)
            | Self::Generic(message) => message.who,
        }
    }

    /// Whose it is.
    pub const fn whose(&self) -> Whose {
        match self.message() {
            Some(message) => message.whose,
            None => Whose::Unknown,
        }
    }

    /// With commands of the program that the line shows.
    fn with_commands_of(self, engine: Option<Engine>) -> Self {
        let of = |message| with_commands_of(message, engine);
        match self {
            Self::Cause(message) => Self::Cause(of(message)),
            Self::Act(message, word) => Self::Act(of(message), word.map(of)),
            Self::Place(message, word) => Self::Place(of(message), word.map(of)),
            Self::Consequence(message) => Self::Consequence(of(message)),
            Self::Generic(message) => Self::Generic(of(message)),
            Self::Text(text, word) => Self::Text(text, word.map(of)),
        }
    }

    /// How sure that is.
    pub const fn sure(&self) -> Sure {
        match self {
            Self::Cause(message) => message.sure,
            _ => Sure::Open,
        }
    }
}

/// A piece of a line.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// The piece, as the line has it.
    pub text: String,
    /// What it is.
    #[serde(flatten)]
    pub known: Option<LayerKnown>,
    /// What stands in the message's holes.
    pub holes: Vec<String>,
    /// Whether another's error follows, as the message's text has it.
    #[serde(skip)]
    pub(crate) is_open: bool,
    /// Whether its text takes in nearly anything.
    #[serde(skip)]
    pub(crate) is_broad: bool,
    /// Whether its text is so short that others say it, too.
    #[serde(skip)]
    pub(crate) is_short: bool,
    /// Whether its text takes in whatever follows.
    #[serde(skip)]
    pub(crate) takes_the_rest: bool,
}

/// What is known of a piece.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKnown {
    /// A message that is explained.
    Message(&'static Message),
    /// A text of a source.
    Text(&'static Text),
}

/// Explains one line of a log.
pub fn explain(line: &str) -> Explained {
    let lower = line
        .get(..floor(line, LINE_LIMIT))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let whole = Line::from_whole(lower);
    let peeled = peel(line);
    let mut layers = Vec::new();
    for said in &peeled.said {
        walk(&Chain::split_chain(said), &whole, &mut layers);
    }
    let speaker = Speaker::from_line(&peeled, &whole.whole);
    let has_file = peeled.file.is_some();
    // The file that a line names goes before its words.
    let product = Product::of_line(line, &peeled);
    let place = product
        .and_then(Product::place)
        .or_else(|| place::find(&whole.bare, speaker.program, has_file))
        .or_else(|| peeled.file.as_ref().and_then(|_| place::of_klog()));
    let mut head = decided(&layers, &peeled, &whole, place.is_none());
    let mut told = None;
    if let Some(harmless) = head.as_ref().and_then(Head::message)
        && harmless.whose == Whose::Nobody
    {
        match clears(harmless, &layers, &peeled, &whole.whole) {
            Clears::Wholly => {}
            Clears::ByItself => head = Some(doubted(harmless)),
            Clears::Not => {
                let others = without_harmless(&layers);
                head = decided(&others, &peeled, &whole, place.is_none())
                    .filter(|head| {
                        head.whose() != Whose::Nobody && !matches!(head, Head::Generic(_))
                    })
                    .or_else(|| {
                        let is_placed = place.is_some() && speaker.is_ours;
                        (!is_placed).then(|| doubted(harmless))
                    });
                told = Some(others);
            }
        }
    }
    let tells_failure =
        failure::is_told(&whole.whole) || failure::is_given(peeled.level.as_deref());
    let told = told.as_deref().unwrap_or(&layers);
    head = head.and_then(|head| hedged(head, told, &peeled, speaker, tells_failure, &whole));
    // Words of anybody's lines tell a place only where the line has to do with containers.
    let place = match head {
        Some(Head::Cause(_)) => None,
        _ if product.is_some() => place,
        _ => place
            .filter(|place| {
                speaker.is_ours
                    || peeled.file.is_some()
                    || place.key == "at-registry-server"
                    || place::names_a_product(place)
            })
            .filter(|place| is_told(place, speaker, &whole)),
    };
    // Anybody has connections: a piece of one is a registry's only where the line is about one.
    for layer in &mut layers {
        if let Some(LayerKnown::Message(message)) = layer.known
            && context::is_far(message)
            && !context::claims(message, &whole, place.is_none())
        {
            layer.known = Some(LayerKnown::Message(context::far(message)));
        }
    }
    let own = speaker.program.and_then(place::of_own);
    let head = narrow(head, place, own, |text| {
        speaker.shows(text.who, &whole.whole)
    })
    .map(|head| of_the_speaker(head, place, speaker, &whole))
    .map(|head| object::by_owner(head, speaker, &whole))
    .map(|head| said_by(head, speaker, &whole));
    let shows_speaker = head.as_ref().is_some_and(|head| match head {
        Head::Place(..) => speaker.shows(head.who(), &whole.whole),
        _ => {
            speaker.shows(head.who(), &whole.whole) && speaker.shows_well(head.who(), &whole.whole)
        }
    });
    let place = place.filter(|place| head.as_ref().is_none_or(|head| fits(head, place)));
    let place = match head {
        Some(Head::Text(text, _)) => text.place().or(place),
        _ => place,
    };
    let engine = Engine::of_line(speaker, &whole.whole);
    let head = head.map(|head| head.with_commands_of(engine));
    let head = match (head, engine) {
        (Some(head), Some(Engine::Crio | Engine::Podman)) => Some(of_other_engine(head)),
        (head, _) => head,
    };
    let place = place.map(|place| with_commands_of(place, engine));
    Explained {
        shows_speaker,
        detail: detail(head.as_ref(), &layers),
        tells_failure,
        head,
        place,
        layers,
        program: peeled.program,
        level: peeled.level,
        time: peeled.time,
        fields: peeled.fields,
    }
}

/// The end of what is looked at: not in the middle of a letter.
fn floor(line: &str, most: usize) -> usize {
    let mut end = line.len().min(most);
    while !line.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    end
}

/// Whether words may tell that place: anybody mounts, waits and dials, and only a line that shows a runtime is about its work.
fn is_told(place: &Message, speaker: Speaker, line: &Line) -> bool {
    if place::names_a_product(place) {
        return true;
    }
    let is_runtimes = matches!(
        place.who,
        Component::Containerd
            | Component::Cri
            | Component::Shim
            | Component::Runc
            | Component::Client
    );
    // Disks and memory are the kernel's to tell of only where it speaks: others name an I/O error, too.
    if ["at-kernel-disk", "at-kernel-memory"].contains(&place.key) {
        const DISKS: &[&str] = &[
            "mkfs",
            "device-mapper",
            "thinpool",
            "disk i/o",
            "/dev/",
            "xfs",
            "ext4",
        ];
        let is_disks = DISKS.iter().any(|word| line.whole.contains(word));
        return is_disks || speaker.is_kernels(&line.whole);
    }
    // A cgroup's file is one whoever names it.
    !is_runtimes || place.whose == Whose::Cgroups || speaker.shows(place.who, &line.whole)
}

/// The place, where it says more than what the pieces told.
fn narrow(
    head: Option<Head>,
    place: Option<&'static Message>,
    own: Option<&'static Message>,
    shows: impl Fn(&Text) -> bool,
) -> Option<Head> {
    /// A text whose words are this rare is one program's.
    const RARE: u16 = 30;
    // A text of one program in the line of another.
    if let (Some(Head::Text(text, word)), Some(own)) = (&head, own)
        && !text.who.is_kin(own.who)
        && !shows(text)
    {
        return Some(Head::Place(own, *word));
    }
    let Some(place) = place else {
        return head;
    };
    match head {
        None => Some(Head::Place(place, None)),
        Some(Head::Generic(word)) => {
            let is_word = matches!(word.role, Role::Errno);
            Some(Head::Place(place, is_word.then_some(word)))
        }
        Some(Head::Consequence(word)) if word.who == Component::System => {
            Some(Head::Place(place, Some(word)))
        }
        Some(Head::Text(text, word))
            if text.who != place.who && (text.weight < RARE || !shows(text)) =>
        {
            Some(Head::Place(place, word))
        }
        other => other,
    }
}

/// Where the line shows that another program speaks than the one that the text is of: its part of that program, for what
/// the text's own program means by it, and what to look at then, would mislead.
fn of_the_speaker(
    head: Head,
    place: Option<&'static Message>,
    speaker: Speaker,
    line: &Line,
) -> Head {
    // A Windows node has none of the programs that the others' commands call.
    if let Some(place) = place.filter(|place| place.who == Component::Windows)
        && head.who() != Component::Windows
    {
        return Head::Place(place, None);
    }
    let (message, word) = match head {
        Head::Act(message, word) => (message, word),
        Head::Cause(message) | Head::Consequence(message) => (message, None),
        Head::Text(..) | Head::Place(..) | Head::Generic(_) => return head,
    };
    let Some(real) = speaker.another(message, &line.whole) else {
        return head;
    };
    let its_place = place.filter(|place| place.who == real);
    match its_place.or_else(|| place::of_speaker(real)) {
        Some(place) => Head::Place(place, word),
        None => Head::Act(message, word),
    }
}

/// What containerd's CRI plugin and CRI-O both say is CRI-O's in a line of CRI-O.
fn of_other_engine(head: Head) -> Head {
    let of = |message: &'static Message| {
        if matches!(
            message.who,
            Component::Containerd | Component::Cri | Component::Dockerd
        ) {
            as_told(message, Component::OtherEngine, true)
        } else {
            message
        }
    };
    match head {
        Head::Cause(message) => Head::Cause(of(message)),
        Head::Act(message, word) => Head::Act(of(message), word),
        Head::Place(message, word) => Head::Place(of(message), word),
        Head::Consequence(message) => Head::Consequence(of(message)),
        Head::Text(..) | Head::Generic(_) => head,
    }
}

/// Whether what words of the line tell is about the same as what decides: else one of them misleads.
fn fits(head: &Head, place: &Message) -> bool {
    let Some(message) = head.message() else {
        return true;
    };
    let is_open = |whose: Whose| matches!(whose, Whose::Unknown | Whose::Nobody);
    is_open(message.whose) || message.who == place.who || message.whose == place.whose
}

fn walk(chain: &Chain, line: &Line, layers: &mut Vec<Layer>) {
    let mut hits = book::look_up(chain, line).into_iter().peekable();
    let mut piece = 0;
    while piece < chain.pieces.len() {
        let hit = hits.next_if(|hit| hit.pieces.start == piece);
        let over = hit
            .as_ref()
            .map_or(piece.saturating_add(1), |hit| hit.pieces.end);
        let is_told = hit.as_ref().is_some_and(|hit| {
            hit.takes_the_rest
                && matches!(hit.known, Known::Message(message) if message.role == Role::Cause)
        });
        layers.push(layer(chain, piece..over, hit));
        let inner = chain
            .inner
            .iter()
            .filter(|(number, _)| (piece..over).contains(number));
        for (_, inner) in inner.filter(|_| !is_told) {
            walk(inner, line, layers);
        }
        piece = over.max(piece.saturating_add(1));
    }
}

fn layer(chain: &Chain, pieces: core::ops::Range<usize>, hit: Option<Hit>) -> Layer {
    let first = chain
        .pieces
        .get(pieces.start)
        .map_or(0, |piece| piece.start);
    let last = chain.pieces.get(pieces.end.saturating_sub(1));
    let end = last.map_or(chain.text.len(), |piece| piece.end);
    let text = chain.text.get(first..end).unwrap_or_default().to_owned();
    match hit {
        None => Layer {
            text,
            known: None,
            holes: Vec::new(),
            is_open: false,
            is_broad: false,
            is_short: false,
            takes_the_rest: false,
        },
        Some(hit) => Layer {
            text,
            known: Some(match hit.known {
                Known::Message(message) => LayerKnown::Message(message),
                Known::Text(text) => LayerKnown::Text(text),
            }),
            holes: hit.holes,
            is_open: hit.is_open,
            is_broad: hit.is_broad,
            is_short: hit.is_short,
            takes_the_rest: hit.takes_the_rest,
        },
    }
}

/// What decides: a piece, or where none is known, a part of one.
fn decided(layers: &[Layer], peeled: &Peeled, line: &Line, is_alone: bool) -> Option<Head> {
    let head = decide(layers, line, is_alone);
    if head.is_some_and(|head| !matches!(head, Head::Generic(_))) {
        return head;
    }
    by_a_part(peeled, head.is_none())
        .filter(|head| match head {
            Head::Cause(cause) => context::claims(cause, line, is_alone),
            head => head.message().is_none_or(|message| {
                context::is_within(message, line) && !context::is_anothers(message, line)
            }),
        })
        .or(head)
}

fn decide(layers: &[Layer], line: &Line, is_alone: bool) -> Option<Head> {
    if let Some(quoting) = quoting(layers, line) {
        return Some(Head::Cause(quoting));
    }
    let inner_first = layers.iter().rev().filter_map(|layer| layer.known);
    let messages = inner_first.clone().filter_map(|known| match known {
        LayerKnown::Message(message) => Some(message),
        LayerKnown::Text(_) => None,
    });
    // What is another's without a word that the line lacks says nothing here.
    let messages = messages.filter(|message| {
        !matches!(message.role, Role::Act | Role::Consequence) || context::is_within(message, line)
    });
    let of = |role: Role| messages.clone().find(|message| message.role == role);
    let mut causes = messages
        .clone()
        .filter(|message| message.role == Role::Cause);
    let network = messages
        .clone()
        .find(|act| act.role == Role::Act && act.whose == Whose::Network);
    // A pod's network has connections of its own: they are no registry's.
    let is_claimed = |cause: &&'static Message| {
        context::claims(cause, line, is_alone)
            && !(context::is_far(cause) && network.is_some())
            && !is_quoted(layers, cause)
    };
    if let Some(cause) = causes.clone().find(is_claimed) {
        return Some(match inside_of(layers, cause) {
            Inside::Nothing | Inside::Fits => Head::Cause(cause),
            Inside::Another(Some(act)) if act.role == Role::Act => Head::Act(act, of(Role::Errno)),
            Inside::Another(word) => Head::Act(cause, word),
        });
    }
    let connection = causes
        .find(|cause| context::is_far(cause))
        .map(context::far);
    let errno = connection.or_else(|| of(Role::Errno));
    // The system's word: a shim's or a task's that does not answer is its own.
    let word =
        || errno.or_else(|| of(Role::Consequence).filter(|word| word.who == Component::System));
    if let Some(act) = of(Role::Act) {
        if let Some(cause) = errno.and_then(|word| context::joined(act, word)) {
            return Some(Head::Cause(cause));
        }
        return Some(Head::Act(act, word()));
    }
    // What follows from something that is named is more than that something took long.
    let named = messages
        .clone()
        .find(|message| message.role == Role::Consequence && message.who != Component::System);
    if let Some(named) = named {
        return Some(Head::Consequence(named));
    }
    let text = inner_first.clone().find_map(|known| match known {
        LayerKnown::Text(text) => Some(text),
        LayerKnown::Message(_) => None,
    });
    if let Some(text) = text {
        return Some(Head::Text(text, word()));
    }
    of(Role::Consequence)
        .map(Head::Consequence)
        .or_else(|| errno.map(Head::Generic))
        .or_else(|| wrapper(layers).map(Head::Generic))
        .or_else(|| of(Role::Class).map(Head::Generic))
}

/// A frame that tells which layer speaks: a word like `error` tells none.
fn wrapper(layers: &[Layer]) -> Option<&'static Message> {
    const LEAST: usize = 8;
    layers.iter().rev().find_map(|layer| match layer.known {
        Some(LayerKnown::Message(message))
            if message.role == Role::Wrapper && layer.text.len() > LEAST =>
        {
            Some(message)
        }
        _ => None,
    })
}

/// Of a line in which no piece is known, or only words that many causes have: by a part of a message.
fn by_a_part(peeled: &Peeled, is_nothing_known: bool) -> Option<Head> {
    let by = |message: &'static Message| match message.role {
        Role::Cause => Head::Cause(message),
        Role::Act => Head::Act(message, None),
        Role::Consequence => Head::Consequence(message),
        Role::Wrapper | Role::Errno | Role::Class => Head::Generic(message),
    };
    let inner_first = || peeled.said.iter().rev();
    let found = inner_first().find_map(|said| book::inside(said));
    let found = found.or_else(|| {
        let mut said = inner_first().filter(|_| is_nothing_known);
        said.find_map(|said| book::cut(said))
    });
    found.map(by)
}

//! What answers one statement of a start: edits to be tried out, in order, or what has to be decided.

use std::collections::BTreeMap;

use checks::start::Statement;
use daemon::Release;
use daemon::config::known;
use finding::Text;
use node::config::{Config, ConfigFault};
use node::{Scalar, Setting};

use super::{syntax, values};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The file with an edit, which is kept if it helps.
    Edit {
        file: Text,
        text: String,
        why: String,
    },
    /// What a person has to say; it counts if no edit helped.
    Decide { file: Text, what: String },
}

/// Texts of the configuration's files, by name.
pub(super) type Texts = BTreeMap<Text, String>;

/// Answers to `one`, in the order in which they are tried.
pub(super) fn draft_fixes(
    one: &Statement,
    config: &Config,
    texts: &Texts,
    releases: &[Release],
) -> Vec<Answer> {
    let Some(file) = one
        .at
        .file
        .clone()
        .or_else(|| config.files.first().cloned())
    else {
        return Vec::new();
    };
    let mut answers = Vec::new();
    match one.rule {
        "P01" => answers.extend(unparsed(config, texts, &file)),
        "P03" => answers.extend(version_type(texts, &file)),
        "P04" => answers.extend(short_names(config, texts, releases)),
        "P05" => answers.extend(value(one, config, texts, releases)),
        "P08" | "P18" | "P29" => answers.extend(needed(one, config, texts)),
        "P12" => answers.extend(version_missing(config, texts, releases)),
        "P41" => answers.extend(disabled_cri(config, texts)),
        _ => {}
    }
    if one.rule != "P01" {
        let what = decision(one);
        answers.push(Answer::Decide { file, what });
    }
    answers
}

/// What a person is asked where no edit is certain.
fn decision(one: &Statement) -> String {
    let key = one.at.places.iter().find(|place| place.kind == "key");
    let key = key.map_or_else(|| "this file".to_owned(), |key| key.name.to_string());
    let said = if one.says.is_empty() {
        one.does.clone()
    } else {
        format!("{} ({})", one.does, finding::Escaped(one.says.as_bytes()))
    };
    let ask = match one.rule {
        "P03" => {
            "put a file in place that this release knows (version 2 for 1.6 and 1.7; 2 or 3 for 2.x), or install the release that this file was written for"
        }
        "P06" => {
            "say which folder is which: root is where the stores are (/var/lib/containerd), state where the tasks are (/run/containerd)"
        }
        "P07" => "take the plugin out of required_plugins, or give it what it needs to load",
        "P09" => {
            "`shared` or `isolated`: whether a namespace may use a blob that another one has without proving it"
        }
        "P10" => {
            "name a snapshotter that this node has; the containers' layers are with the one that was used so far"
        }
        "P11" => "keep the one and take out the other: the message names both",
        "P12" => {
            "bring the tables to the names of the version that the file says (2.x gives a file of version 0 or 1 no tables of the CRI: it needs version 2 or 3), or say the version whose names the tables have"
        }
        "P13" => {
            "levels are trace, debug, info, warn, error, fatal, panic; formats are text and json"
        }
        "P17" => "a number of seconds above 0; 10 is built in",
        "P28" => "give the proxy plugin another name, and say that name where it is used",
        "P41" => {
            "take the CRI out of disabled_plugins if this node is to run pods; leave it if it is not"
        }
        "P05" => {
            "write a value of the type that belongs there; `containerd config default` shows one"
        }
        _ => "set it right; `containerd config dump` shows what the daemon makes of it",
    };
    format!("{key}: containerd {said}. {}", capital(ask))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect::<String>() + "."
    })
}

/// A file that is no TOML.
fn unparsed(config: &Config, texts: &Texts, file: &Text) -> Vec<Answer> {
    let fault = config.faults.iter().find_map(|fault| match fault {
        ConfigFault::Syntax {
            file: other,
            at,
            error,
        } if other == file => Some((*at, error.clone())),
        _ => None,
    });
    let Some((at, error)) = fault else {
        return Vec::new();
    };
    let Some(text) = texts.get(file) else {
        let what = format!("the file is not text ({error}): bring it back from a copy");
        let file = file.clone();
        return vec![Answer::Decide { file, what }];
    };
    let mut answers: Vec<Answer> = syntax::edits(text, at)
        .into_iter()
        .map(|(text, why)| Answer::Edit {
            file: file.clone(),
            text,
            why,
        })
        .collect();
    let line = syntax::line_at(text, at);
    let error = finding::Escaped(error.as_bytes());
    answers.push(Answer::Decide {
        file: file.clone(),
        what: format!("line {line}: the parser stops here ({error}). What belongs there is not known from the file: bring it back from a copy, or from `containerd config default`."),
    });
    answers
}

/// `version = "2"`
fn version_type(texts: &Texts, file: &Text) -> Option<Answer> {
    let text = texts.get(file)?;
    let (span, value) = values::at(text, &["version".to_owned()])?;
    let number: u8 = value.trim_matches(['"', '\'', ' ']).parse().ok()?;
    (1..=4).contains(&number).then(|| Answer::Edit {
        file: file.clone(),
        text: values::replaced(text, &span, &number.to_string()),
        why: format!("version is a number: {value} becomes {number}"),
    })
}

/// Names of version 1 in `disabled_plugins` and `required_plugins` of a file of another version.
fn short_names(config: &Config, texts: &Texts, releases: &[Release]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for key in ["disabled_plugins", "required_plugins"] {
        for setting in config.settings.list(key) {
            let (Scalar::List(ids), Some(text)) = (&setting.value, texts.get(&setting.file)) else {
                continue;
            };
            let mut said = Vec::new();
            let whole: Vec<String> = ids
                .iter()
                .map(|id| match whole_name(id, releases) {
                    Some(whole) if whole != *id => {
                        said.push(format!("{} is {whole}", finding::Escaped(id.as_bytes())));
                        whole
                    }
                    _ => id.clone(),
                })
                .collect();
            let found = values::at(text, &[key.to_owned()]).filter(|_| !said.is_empty());
            if let Some((span, _)) = found {
                answers.push(Answer::Edit {
                    file: setting.file.clone(),
                    text: values::replaced(text, &span, &values::list(&whole)),
                    why: format!(
                        "{key} names plugins as version 1 did: with the version of this file {}",
                        said.join(", ")
                    ),
                });
            }
        }
    }
    answers
}

/// The one plugin whose last part this is.
fn whole_name(id: &str, releases: &[Release]) -> Option<String> {
    if id.is_empty() || id.contains('.') {
        return None;
    }
    let mut found: Option<&str> = None;
    for release in releases {
        let all = known(*release).plugins();
        let named = all.filter(|(plugin, _)| plugin.rsplit('.').next() == Some(id));
        for (plugin, _) in named {
            if found.is_some_and(|other| other != plugin) {
                return None;
            }
            found = Some(plugin);
        }
    }
    found.map(str::to_owned)
}

/// The setting that a statement is about.
fn setting<'c>(one: &Statement, config: &'c Config) -> Option<&'c Setting> {
    let key = one.at.places.iter().find(|place| place.kind == "key")?;
    let file = one.at.file.as_ref()?;
    let mut all = config.settings.all().iter();
    let is_it = |setting: &&Setting| {
        setting.file == *file && Text::from(setting.keys().join(".")) == key.name
    };
    let first = all.find(is_it)?;
    // Keys with points in them may look like one another.
    all.find(is_it).is_none().then_some(first)
}

/// A value of the wrong type that can be written as one of the right type without changing what it
/// says.
fn value(one: &Statement, config: &Config, texts: &Texts, releases: &[Release]) -> Option<Answer> {
    let setting = setting(one, config)?;
    let text = texts.get(&setting.file)?;
    let (span, old) = values::at(text, &setting.path)?;
    let mut wanted: Option<String> = None;
    for release in releases {
        let effective = daemon::config::effective(config, *release);
        let all = effective.settings.all().iter();
        let mut own = all
            .filter(|other| other.file == setting.file && other.keys() == setting.path.as_slice())
            .map(|other| other.path.clone());
        let path = own.next_back().unwrap_or_else(|| setting.path.clone());
        let new = values::converted(&setting.value, known(*release).kinds(&path))?;
        if wanted.as_ref().is_some_and(|other| *other != new) {
            return None;
        }
        wanted = Some(new);
    }
    let new = wanted?;
    Some(Answer::Edit {
        file: setting.file.clone(),
        text: values::replaced(text, &span, &new),
        why: format!(
            "{}: the release takes no {} here; {} becomes {}",
            finding::Escaped(setting.path.join(".").as_bytes()),
            setting
                .value
                .word()
                .trim_start_matches("a ")
                .trim_start_matches("an "),
            finding::Escaped(old.as_bytes()),
            finding::Escaped(new.as_bytes())
        ),
    })
}

/// Files with one entry less in `disabled_plugins`.
fn without(config: &Config, texts: &Texts, is_it: impl Fn(&str) -> bool, why: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    for setting in config.settings.list("disabled_plugins") {
        let (Scalar::List(ids), Some(text)) = (&setting.value, texts.get(&setting.file)) else {
            continue;
        };
        let kept: Vec<String> = ids.iter().filter(|id| !is_it(id)).cloned().collect();
        let found = values::at(text, &["disabled_plugins".to_owned()]);
        let Some((span, _)) = found.filter(|_| kept.len() < ids.len()) else {
            continue;
        };
        let gone: Vec<String> = ids
            .iter()
            .filter(|id| is_it(id))
            .map(|id| finding::Escaped(id.as_bytes()).to_string())
            .collect();
        answers.push(Answer::Edit {
            file: setting.file.clone(),
            text: values::replaced(text, &span, &values::list(&kept)),
            why: format!("disabled_plugins loses {}: {why}", gone.join(", ")),
        });
    }
    answers
}

/// A disabled plugin without which nothing works.
fn needed(one: &Statement, config: &Config, texts: &Texts) -> Vec<Answer> {
    let ids: Vec<String> = one
        .targets
        .iter()
        .filter(|target| target.object.kind == "plugin")
        .map(|target| target.object.name.to_string())
        .collect();
    let is_it = |id: &str| {
        let is_metadata = one.rule == "P08" && id.ends_with("bolt");
        let short = |whole: &String| whole.rsplit('.').next() == Some(id);
        is_metadata || ids.iter().any(|whole| whole == id || short(whole))
    };
    without(
        config,
        texts,
        is_it,
        "without it nothing that containerd serves works",
    )
}

/// The CRI is disabled on a node that has pods.
fn disabled_cri(config: &Config, texts: &Texts) -> Vec<Answer> {
    let is_it = |id: &str| id.split('.').any(|part| part == "cri");
    without(
        config,
        texts,
        is_it,
        "this node has pods, and only the CRI serves them. Leave it as it is if there are to be none",
    )
}

/// No file says a version, or one says another than its tables have.
fn version_missing(config: &Config, texts: &Texts, releases: &[Release]) -> Option<Answer> {
    let ids: Vec<&str> = config.settings.plugins().map(|(_, id)| id).collect();
    let is_new = |id: &&str| id.starts_with("io.containerd.cri.v1.");
    let is_old = |id: &&str| *id == "io.containerd.grpc.v1.cri";
    let is_whole = |id: &&str| id.starts_with("io.containerd.");
    let all_whole = !ids.is_empty() && ids.iter().all(is_whole);
    let wanted = match (ids.iter().any(is_new), ids.iter().any(is_old)) {
        _ if !all_whole => return None,
        (true, false) if releases.iter().all(|release| *release >= Release::V2_0) => 3,
        (true, _) => return None,
        (false, _) => 2,
    };
    let said: Vec<&Setting> = config
        .settings
        .all()
        .iter()
        .filter(|setting| setting.path == ["version"])
        .collect();
    match said.as_slice() {
        [] => {
            let file = config.files.first()?;
            let text = texts.get(file)?;
            Some(Answer::Edit {
                file: file.clone(),
                text: format!("version = {wanted}\n{text}"),
                why: format!(
                    "the tables have the names of version {wanted}, and no version is said: containerd takes the file for another version and ignores them"
                ),
            })
        }
        [only] => {
            let text = texts.get(&only.file)?;
            let (span, old) = values::at(text, &["version".to_owned()])?;
            Some(Answer::Edit {
                file: only.file.clone(),
                text: values::replaced(text, &span, &wanted.to_string()),
                why: format!(
                    "the tables have the names of version {wanted}, and the file says {}: containerd ignores them",
                    finding::Escaped(old.as_bytes())
                ),
            })
        }
        _ => None,
    }
}

//! A triage that was written down: what of its JSON is compared with another.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Escaped, Fingerprint, Report, Severity};
use serde::Serialize;
use serde_json::Value;

/// One finding of it.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What tells it from others.
    pub fingerprint: Fingerprint,
    /// What was found.
    pub message: String,
    /// Where, as its JSON has it.
    pub location: Value,
    /// What it affects, as its JSON has it.
    pub affects: Value,
}

/// A triage that was written down.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The file that holds it.
    pub file: String,
    /// What was examined.
    pub evidence: String,
    /// What time it was there.
    pub now: String,
    /// Its findings.
    pub findings: BTreeMap<Fingerprint, Entry>,
    /// Findings beyond the budget, of which only the fingerprint is known.
    pub more: BTreeSet<Fingerprint>,
    /// Codes of checks that did not speak.
    abstained: BTreeSet<String>,
    /// Files that could not be read.
    unread: BTreeSet<String>,
    /// Codes that were ignored.
    ignored: BTreeSet<String>,
    has_unknown: bool,
}

const SCHEMA: &str = "coroner/triage/1";

impl Taken {
    /// Reads the bytes of a triage that is called `name`.
    ///
    /// # Errors
    /// Why it is none to compare with.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, String> {
        let json: Value =
            serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON: {error}"))?;
        let schema = json.get("schema").and_then(Value::as_str);
        if schema != Some(SCHEMA) {
            let found = Escaped(schema.unwrap_or("nothing").as_bytes()).to_string();
            return Err(format!("its schema is {found}, not {SCHEMA}"));
        }
        let answer = json.get("answer").unwrap_or(&Value::Null);
        Self::of_answer(answer, name)
    }

    fn of_answer(answer: &Value, name: &str) -> Result<Self, String> {
        let text = |pointer: &str| {
            let value = answer.pointer(pointer).unwrap_or(&Value::Null);
            harmless(value)
        };
        if answer.get("baseline").is_some() {
            return Err("it holds only what was new then, made with --baseline".to_owned());
        }
        let findings = answer.get("findings").and_then(Value::as_array);
        let findings = findings.ok_or("it lists no findings; was it made with --summary?")?;
        let entries = findings.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let fingerprints = list(answer, "/more_fingerprints").map(fingerprint);
        let field = |pointer: &str, field: &str| {
            let all = list(answer, pointer);
            let values = all.filter_map(|value| value.get(field));
            values.map(harmless).collect::<BTreeSet<String>>()
        };
        let ignored = answer.get("ignored").and_then(Value::as_object);
        Ok(Self {
            file: name.to_owned(),
            evidence: text("/evidence/evidence"),
            now: text("/evidence/now"),
            findings: entries
                .into_iter()
                .map(|entry| (entry.fingerprint, entry))
                .collect(),
            more: fingerprints.collect::<Result<_, _>>()?,
            abstained: field("/coverage/abstained", "code"),
            unread: field("/coverage/unread", "path"),
            ignored: ignored
                .into_iter()
                .flat_map(|codes| codes.keys().cloned())
                .collect(),
            has_unknown: list(answer, "/coverage/unknown").next().is_some(),
        })
    }

    /// What a report of now would be read as.
    ///
    /// # Errors
    /// Why it cannot be compared.
    pub fn from_report(
        report: &Report,
        ignored: &BTreeMap<&'static str, u64>,
    ) -> Result<Self, String> {
        let answer = serde_json::to_value(report).map_err(|error| error.to_string());
        let taken = answer.and_then(|answer| Self::of_answer(&answer, ""));
        let ignored = ignored.keys().map(|code| (*code).to_owned()).collect();
        taken.map(|taken| Self { ignored, ..taken })
    }

    /// Whether a finding could have been found: its check spoke, and its file was read.
    pub fn judged(&self, entry: &Entry) -> bool {
        let file = entry.location.get("file").map(harmless);
        // Which rows cannot be known is told in words: any of them may be this one.
        let is_hidden = self.has_unknown && entry.code.starts_with("meta/");
        !self.abstained.contains(&entry.code)
            && !self.ignored.contains(&entry.code)
            && !file.is_some_and(|file| self.unread.contains(&file))
            && !is_hidden
    }
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// Text of the JSON as it may be shown; a name that is not UTF-8 is shown as it was then.
fn harmless(value: &Value) -> String {
    match value {
        Value::String(text) => Escaped(text.as_bytes()).to_string(),
        // `{"text": "escaped already", "hex": …}`, but anybody may have written the file.
        Value::Object(object) => object
            .get("text")
            .and_then(Value::as_str)
            .filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    }
}

fn fingerprint(value: &Value) -> Result<Fingerprint, String> {
    let text = value.as_str().unwrap_or_default();
    text.parse()
        .map_err(|_| "a finding has no fingerprint; an older coroner wrote it".to_owned())
}

fn entry(value: &Value) -> Result<Entry, String> {
    let field = |name: &str| value.get(name).cloned().unwrap_or(Value::Null);
    let severity = field("severity");
    let severity = [
        Severity::Note,
        Severity::Odd,
        Severity::Damage,
        Severity::Fatal,
    ]
    .into_iter()
    .find(|known| severity.as_str() == Some(known.to_string().as_str()))
    .ok_or("a finding has no severity")?;
    Ok(Entry {
        code: harmless(&field("code")),
        severity,
        fingerprint: fingerprint(&field("fingerprint"))?,
        message: harmless(&field("message")),
        location: field("location"),
        affects: field("affects"),
    })
}

impl Entry {
    /// Its file and its place, as a finding's `where` shows them; without offsets.
    pub fn place(&self) -> String {
        let mut place = self.location.get("file").map(harmless).unwrap_or_default();
        let mut before = String::new();
        for (number, step) in list(&self.location, "/places").enumerate() {
            let part = |name| step.get(name).map(harmless).unwrap_or_default();
            let (kind, name) = (part("kind"), part("name"));
            let step = match (number, kind == "bucket" && before == "bucket") {
                (0, _) => format!(" {kind} {name}"),
                (_, true) => format!(" > {name}"),
                (_, false) => format!(", {kind} {name}"),
            };
            place.push_str(&step);
            before = kind;
        }
        place
    }
}

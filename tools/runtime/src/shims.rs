//! `coroner runtime shims`

use std::collections::BTreeMap;
use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Table};
use finding::{Text, Unknown};
use runc::Bundle;
use serde::Serialize;

use crate::task::unknown;

#[derive(Serialize)]
struct Listing {
    shims: Vec<Shim>,
    /// Whether sockets would be seen: tars of other people's making leave them out.
    sockets_known: bool,
    unknown: Vec<Unknown>,
}

#[derive(Serialize)]
struct Shim {
    socket: Text,
    /// Whether the socket is there; nothing where the evidence does not keep sockets.
    there: Option<bool>,
    /// Whether the socket has the name that this daemon would give it.
    ours: bool,
    namespace: Option<Text>,
    group: Option<Text>,
    binary: Option<Text>,
    tasks: Vec<Text>,
}

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let mut shims: BTreeMap<Text, Shim> = BTreeMap::new();
    let runtime = node.runtime.read();
    let bundles = runtime.map_or(&[][..], |runtime| &runtime.bundles);
    let sockets = runtime.and_then(|runtime| runtime.sockets.as_ref());
    for bundle in bundles {
        let path = bundle
            .shim()
            .map_or_else(Text::default, runc::Address::path);
        let shim = shims.entry(path.clone()).or_insert_with(|| Shim {
            there: sockets.map(|all| all.iter().any(|socket| socket.path == path)),
            ours: path.bytes().ends_with(bundle.socket.as_bytes()),
            namespace: Some(bundle.namespace.clone()),
            group: group(bundle),
            binary: None,
            tasks: Vec::new(),
            socket: path,
        });
        shim.binary = shim.binary.take().or_else(|| bundle.shim_binary.clone());
        shim.tasks.push(bundle.id.clone());
    }
    for socket in sockets.into_iter().flatten() {
        shims.entry(socket.path.clone()).or_insert_with(|| Shim {
            socket: socket.path.clone(),
            there: Some(true),
            ours: !socket.bundles.is_empty(),
            namespace: socket
                .bundles
                .first()
                .map(|(namespace, _)| namespace.clone()),
            group: None,
            binary: None,
            tasks: Vec::new(),
        });
    }
    out.answer(&Listing {
        shims: shims.into_values().collect(),
        sockets_known: sockets.is_some(),
        unknown: unknown(&node),
    })
}

fn group(bundle: &Bundle) -> Option<Text> {
    Some(bundle.spec.get()?.group(&bundle.id).clone())
}

impl Answer for Listing {
    const SCHEMA: &'static str = "runtime-shims/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let dash = || "-".to_owned();
        let mut table = Table::new(&["namespace", "group", "tasks", "socket", "there", "name"]);
        let text = |text: &Option<Text>| text.as_ref().map_or_else(dash, ToString::to_string);
        for shim in &self.shims {
            let tasks: Vec<String> = shim.tasks.iter().map(ToString::to_string).collect();
            table.cells(vec![
                text(&shim.namespace),
                text(&shim.group),
                if tasks.is_empty() {
                    dash()
                } else {
                    tasks.join(",")
                },
                if shim.socket.is_empty() {
                    "unknown".to_owned()
                } else {
                    shim.socket.to_string()
                },
                match shim.there {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "unknown",
                }
                .to_owned(),
                if shim.ours { "as computed" } else { "other" }.to_owned(),
            ]);
        }
        pen.table(&table)?;
        if !self.sockets_known {
            pen.gap()?;
            pen.line("The evidence does not keep sockets: whether they are there is unknown.")?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

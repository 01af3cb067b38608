//! NRI, with which the CRI begins: where it cannot, the daemon exits.

use daemon::Release;
use daemon::start as rules;
use finding::Location;

use super::cri::flag;
use super::{is_disabled, place};
use crate::part::Part;
use crate::start::run::{Flow, Run};

/// Its table in config.toml.
const TABLE: [&str; 2] = ["plugins", "io.containerd.nri.v1.nri"];

/// Whether NRI can begin: its plugins have names of plugins, and its socket can be made.
pub(super) fn begins(run: &mut Run<'_>) -> Flow {
    let [plugins, nri] = TABLE;
    let is_off = match run.release {
        Release::V1_6 => true,
        // Until 2.0 it has to be asked for.
        Release::V1_7 => run.settings.get(&[plugins, nri, "disable"]).is_none(),
        _ => false,
    };
    if is_off || flag(run, &TABLE, &["disable"]) || is_disabled(run, nri) {
        return Flow::Continue(());
    }
    let found = &run.node.around.nri;
    let folder = found.folder.display();
    let at = Location::file(node::path_text(&found.folder));
    if found.instead.is_some() {
        let says = format!("open {folder}: not a directory");
        return run.say(run.statement(&rules::NRI).says(says).at(at));
    }
    if let Some(unread) = &found.unread {
        let name = format!("NRI's plugins ({folder})");
        let why = format!("{unread}; a program there that has no plugin's name ends the daemon");
        run.not_known(Part::Configuration, name, why);
    } else if let Some((name, is_sure)) = &found.misnamed {
        let says = format!("invalid plugin name \\\"{name}\\\", idx-pluginname expected");
        let does = format!(
            "exits: NRI takes the program {name} in {folder} for a plugin, whose name would begin with \
             two digits and a hyphen"
        );
        let statement = run.statement(&rules::NRI).says(says).does(does);
        let statement = statement.at(at.place("file", name.clone()));
        if *is_sure {
            return run.say(statement);
        }
        run.note(statement.perhaps());
    }
    let key = [plugins, nri, "socket_path"];
    let socket = run
        .settings
        .text_setting(&key)
        .unwrap_or("/var/run/nri/nri.sock");
    let listens = !flag(run, &TABLE, &["disable_connections"]);
    if listens && run.node.around.is_blocked(socket) {
        let does = format!(
            "exits: NRI cannot make its socket {socket}, since something else than a folder is on the \
             way to it"
        );
        let at = place(run, &key);
        return run.say(run.statement(&rules::NRI).does(does).at(at));
    }
    Flow::Continue(())
}

//! The daemon's unit of systemd: what a restart of it costs.

use finding::{Code, Finding, Location, Severity};

use crate::{Check, Judge};

/// Stopping the unit ends all that runs in its control group.
pub(crate) const RESTART_KILLS: Check = Check {
    code: &Code {
        name: "unit/restart-kills",
        rule: "P32",
        severity: Severity::Odd,
        title: "A restart of containerd's unit kills every container",
        explanation: "The unit has no KillMode of process, so that systemd ends all \
            processes of its control group when it stops the unit (with mixed, after the daemon itself): with the daemon every shim, and \
            with the shims their containers. containerd's own unit has KillMode=process, for this \
            reason.",
        remedy: "Do not restart the unit while containers run that are wanted. Add a drop-in with \
            KillMode=process below [Service], and let systemd read it again, before anything else is \
            done.",
    },
    needs: &[],
    run: restart_kills,
};

/// Stopping the unit removes what containerd knows its tasks by, or ends them.
pub(crate) const RESTART_LOSES: Check = Check {
    code: &Code {
        name: "unit/restart-loses",
        rule: "P49",
        severity: Severity::Odd,
        title: "A restart of containerd's unit loses every container",
        explanation: "When systemd stops the unit, it removes the folders of RuntimeDirectory= (unless \
            RuntimeDirectoryPreserve= keeps them) and runs ExecStop= and ExecStopPost=. Here that takes \
            the folder of state, where the bundles and the addresses of the shims are, or ends the shims: \
            after a restart containerd knows none of the containers that ran, they run on unseen, and the \
            kubelet makes every pod a second time.",
        remedy: "Do not restart the unit while containers run that are wanted. Take the line out in a \
            drop-in (RuntimeDirectoryPreserve=yes, an empty ExecStopPost=), and let systemd read it again, \
            before anything else is done.",
    },
    needs: &[],
    run: restart_loses,
};

/// What a command that is run at a stop takes from containerd, if it is known to do that.
pub(crate) fn harms_at_stop(node: &node::Node, words: &[String]) -> Option<&'static str> {
    let name = words.first()?.rsplit('/').next()?;
    // A shell's own line is one word.
    let inner = words.iter().flat_map(|word| word.split_whitespace());
    let inner: Vec<&str> = inner.collect();
    let names = |program: &str| {
        let mut all = inner.iter();
        all.any(|word| word.rsplit('/').next() == Some(program))
    };
    let is_shell = matches!(name, "sh" | "bash" | "dash");
    let runs = |program: &str| name == program || is_shell && names(program);
    let (root, state) = (&node.roots.root, &node.roots.state);
    let takes = inner
        .iter()
        .map(|word| word.trim_end_matches(['*', '/', ';', '\'', '"']));
    let mut takes = takes.filter(|word| word.starts_with('/') && word.len() > 1);
    if runs("rm") || runs("find") && inner.contains(&"-delete") {
        let hits = |word: &str| {
            let word = std::path::Path::new(word);
            [root, state].iter().any(|path| path.starts_with(word))
                || word.starts_with(state)
                || word.starts_with(root)
        };
        return takes
            .any(hits)
            .then_some("it removes files of containerd's");
    }
    let kills = ["pkill", "killall"].iter().any(|program| runs(program));
    (kills && inner.iter().any(|word| word.contains("shim"))).then_some("it ends the shims")
}

fn restart_loses(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(unit) = node
        .roots
        .unit
        .as_ref()
        .filter(|unit| !unit.masked_for_good)
    else {
        return;
    };
    let removed = unit.others.removes_at_stop(&node.roots.state);
    let removed = removed.map(|line| {
        let state = node::path_text(&node.roots.state);
        format!("{line}: systemd removes {state} when it stops the unit")
    });
    let lines = unit.others.after_stop().filter_map(|words| {
        let what = harms_at_stop(node, &words)?;
        let line = finding::Text::from(words.join(" "));
        Some(format!(
            "when it stops the unit, systemd runs {line}: {what}"
        ))
    });
    let file = unit.files.first().cloned().unwrap_or_default();
    for message in removed.into_iter().chain(lines) {
        judge.say(Finding::new(
            RESTART_LOSES.code,
            Location::file(file.clone()),
            message,
        ));
    }
}

fn restart_kills(judge: &mut Judge<'_>) {
    let Some(unit) = &judge.node.roots.unit else {
        return;
    };
    if unit.masked_for_good || !unit.is_plain() || !unit.kills_all() {
        return;
    }
    let file = unit.files.first().cloned().unwrap_or_default();
    let message = match &unit.kill_mode {
        Some(mode) => format!("KillMode is {mode}"),
        None => "KillMode is not set, and control-group is what systemd takes then".to_owned(),
    };
    judge.say(Finding::new(
        RESTART_KILLS.code,
        Location::file(file),
        message,
    ));
}

//! The README shows what coroner prints, and commands that there are.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test reads the README, not evidence, and panics where something is wrong"
)]

use std::path::Path;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    std::fs::read_to_string(path).expect("README.md")
}

/// What stands below a command in a block of the README, cut at the lines that say that something is
/// left out.
fn block(readme: &str, command: &str) -> Vec<String> {
    let begin = format!("```console\n$ {command}\n");
    let blocks = readme.match_indices(&begin).map(|(at, _)| {
        let rest = readme.get(at..).expect("a block");
        let rest = rest.strip_prefix(&begin).expect("a block");
        rest.split("```").next().expect("its end").to_owned()
    });
    let text = blocks.max_by_key(String::len).expect("a block of it");
    text.split("\n…\n")
        .map(|part| part.trim_matches('\n').to_owned())
        .collect()
}

#[test]
fn the_sample_is_shown_as_it_is() {
    let (text, _) = cli::try_run(&coroner_triage::TOOL, ["triage", "--sample"]);
    let mut rest = text.as_str();
    let parts = block(&readme(), "coroner triage --sample");
    assert!(parts.len() > 2, "the block has parts");
    for part in parts {
        let at = rest.find(&part);
        let at = at.unwrap_or_else(|| {
            panic!("README.md is stale: this is not printed (any more):\n{part}\n")
        });
        rest = rest
            .get(at.saturating_add(part.len())..)
            .expect("what follows");
    }
    assert_eq!(rest.trim(), "", "the end of the report is shown");
}

/// Every `coroner …` of the README parses.
#[test]
fn commands_are_commands() {
    let whole = || cli::whole_command(coroner::ABOUT, coroner::EXAMPLES, coroner::TOOLS);
    let text = readme();
    let table = text.split("## Symptom, command").nth(1).expect("the table");
    let table = table.split("\n## ").next().expect("its end");
    let mut seen = 0;
    for command in table.split('`').filter(|word| word.starts_with("coroner ")) {
        let line = command.replace("'THE LINE'", "line").replace("NODE", "/");
        let line = line.replace("CODE", "blob/altered");
        let parsed = whole().try_get_matches_from(line.split(' '));
        assert!(
            parsed.is_ok(),
            "{command}: {}",
            parsed.expect_err("an error")
        );
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

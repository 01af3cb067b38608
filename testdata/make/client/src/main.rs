//! Speaks to a containerd node over its socket: pods through the CRI, what `ctr` has no words for (a task created but
//! not started, an ingest left half-way, a lease with any label), and everything that the node says of itself.

#![expect(
    clippy::disallowed_methods,
    reason = "the house's rule is for evidence; this reads files of ours and trees that it was shown"
)]

mod cri;
mod native;
mod tree;
mod truth;

use std::error::Error;
use std::path::Path;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: node-client SOCKET VERB...
  cri ready                                wait until the runtime and its network are ready
  cri pod POD.json                         RunPodSandbox; prints its id
  cri container POD-ID POD.json CTR.json   CreateContainer; prints its id
  cri start ID | stop ID | remove ID       of a container
  cri stop-pod ID | remove-pod ID
  cri pull REF | image REF                 PullImage | ImageStatus
  cri status                               what the runtime says of itself and of its network, as JSON
  cri list                                 pods, containers, images with their status, as JSON
  task NAMESPACE ID [STDIO]                create a task, do not start it; its output goes to the FIFOs
                                           STDIO-stdout and STDIO-stderr, which somebody made
  ingest NAMESPACE REF TOTAL [LEASE]       write standard input, do not commit
  lease NAMESPACE ID [LABEL=VALUE...]
  lease-add NAMESPACE LEASE TYPE ID
  truth                                    everything the API says, as JSON
   or: node-client tree DIR                what a file tree holds, as JSON";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["tree", dir] = words[..] {
        return print(&tree::list(Path::new(dir))?);
    }
    let [socket, ref verb @ ..] = words[..] else {
        return Err(USAGE.into());
    };
    let channel = containerd_client::connect(socket).await?;
    match *verb {
        ["cri", ref rest @ ..] => cri::run(channel, rest).await,
        ["task", ns, id] => native::create_task(channel, ns, id, None).await,
        ["task", ns, id, stdio] => native::create_task(channel, ns, id, Some(stdio)).await,
        ["ingest", ns, reference, total] => {
            native::ingest(channel, ns, reference, total, None).await
        }
        ["ingest", ns, reference, total, lease] => {
            native::ingest(channel, ns, reference, total, Some(lease)).await
        }
        ["lease", ns, id, ref labels @ ..] => native::lease(channel, ns, id, labels).await,
        ["lease-add", ns, lease, kind, id] => native::lease_add(channel, ns, lease, kind, id).await,
        ["truth"] => print(&truth::ask(channel).await?),
        _ => Err(USAGE.into()),
    }
}

pub(crate) fn print(value: &serde_json::Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

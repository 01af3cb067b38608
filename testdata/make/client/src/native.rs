//! What `ctr` has no words for.

use std::collections::HashMap;
use std::io::Read;

use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::containers_client::ContainersClient;
use containerd_client::services::v1::content_client::ContentClient;
use containerd_client::services::v1::leases_client::LeasesClient;
use containerd_client::services::v1::snapshots::MountsRequest;
use containerd_client::services::v1::snapshots::snapshots_client::SnapshotsClient;
use containerd_client::services::v1::tasks_client::TasksClient;
use containerd_client::services::v1::{
    AddResourceRequest, CreateRequest, CreateTaskRequest, GetContainerRequest, Resource,
    WriteAction, WriteContentRequest,
};
use containerd_client::tonic::Request;
use containerd_client::tonic::transport::Channel;

use crate::Result;

/// A request within a namespace.
pub(crate) fn within<T>(ns: &str, message: T) -> Result<Request<T>> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("containerd-namespace", ns.parse()?);
    Ok(request)
}

/// Creates the task of a container without starting it: runc's init waits on its FIFO.
pub(crate) async fn create_task(
    channel: Channel,
    ns: &str,
    id: &str,
    stdio: Option<&str>,
) -> Result<()> {
    let get = within(ns, GetContainerRequest { id: id.into() })?;
    let container = ContainersClient::new(channel.clone())
        .get(get)
        .await?
        .into_inner()
        .container;
    let container = container.ok_or("the container is not there")?;
    let mounts = within(
        ns,
        MountsRequest {
            snapshotter: container.snapshotter,
            key: container.snapshot_key,
        },
    )?;
    let rootfs = SnapshotsClient::new(channel.clone())
        .mounts(mounts)
        .await?
        .into_inner()
        .mounts;
    let options = container
        .runtime
        .and_then(|Runtime { options, .. }| options);
    let end = |name: &str| stdio.map_or_else(String::new, |stdio| format!("{stdio}-{name}"));
    let create = CreateTaskRequest {
        container_id: id.into(),
        rootfs,
        options,
        stdout: end("stdout"),
        stderr: end("stderr"),
        ..CreateTaskRequest::default()
    };
    println!(
        "{}",
        TasksClient::new(channel)
            .create(within(ns, create)?)
            .await?
            .into_inner()
            .pid
    );
    Ok(())
}

/// Begins to write content, and leaves it there.
pub(crate) async fn ingest(
    channel: Channel,
    ns: &str,
    reference: &str,
    total: &str,
    lease: Option<&str>,
) -> Result<()> {
    let mut data = Vec::new();
    std::io::stdin().read_to_end(&mut data)?;
    let write = WriteContentRequest {
        action: WriteAction::Write.into(),
        r#ref: reference.into(),
        total: total.parse()?,
        data,
        ..WriteContentRequest::default()
    };
    let mut request = within(ns, Once(Some(write)))?;
    if let Some(lease) = lease {
        request
            .metadata_mut()
            .insert("containerd-lease", lease.parse()?);
    }
    let mut answers = ContentClient::new(channel)
        .write(request)
        .await?
        .into_inner();
    while answers.message().await?.is_some() {}
    Ok(())
}

/// A stream of one message.
struct Once<T>(Option<T>);

impl<T: Unpin> futures_core::Stream for Once<T> {
    type Item = T;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take())
    }
}

pub(crate) async fn lease(channel: Channel, ns: &str, id: &str, labels: &[&str]) -> Result<()> {
    let labels: HashMap<String, String> = labels
        .iter()
        .filter_map(|l| l.split_once('='))
        .map(|(k, v)| (k.into(), v.into()))
        .collect();
    LeasesClient::new(channel)
        .create(within(
            ns,
            CreateRequest {
                id: id.into(),
                labels,
            },
        )?)
        .await?;
    Ok(())
}

pub(crate) async fn lease_add(
    channel: Channel,
    ns: &str,
    lease: &str,
    kind: &str,
    id: &str,
) -> Result<()> {
    let resource = Some(Resource {
        id: id.into(),
        r#type: kind.into(),
    });
    LeasesClient::new(channel)
        .add_resource(within(
            ns,
            AddResourceRequest {
                id: lease.into(),
                resource,
            },
        )?)
        .await?;
    Ok(())
}

//! What a node says of itself through its API: the same answers that `ctr` prints, as JSON.

use containerd_client::services::v1::containers_client::ContainersClient;
use containerd_client::services::v1::content_client::ContentClient;
use containerd_client::services::v1::images_client::ImagesClient;
use containerd_client::services::v1::leases_client::LeasesClient;
use containerd_client::services::v1::namespaces_client::NamespacesClient;
use containerd_client::services::v1::sandbox::StoreListRequest;
use containerd_client::services::v1::sandbox::store_client::StoreClient;
use containerd_client::services::v1::snapshots::snapshots_client::SnapshotsClient;
use containerd_client::services::v1::snapshots::{
    Info, ListSnapshotsRequest, MountsRequest, UsageRequest,
};
use containerd_client::services::v1::tasks_client::TasksClient;
use containerd_client::services::v1::version_client::VersionClient;
use containerd_client::services::v1::{
    ListContainersRequest, ListContentRequest, ListImagesRequest, ListNamespacesRequest,
    ListRequest, ListResourcesRequest, ListStatusesRequest, ListTasksRequest,
};
use containerd_client::tonic::transport::Channel;
use containerd_client::types::Descriptor;
use containerd_client::types::v1::Status;
use prost_types::{Any, Timestamp};
use serde_json::{Map, Value, json};

use crate::native::within;
use crate::{Result, cri};

/// The snapshotters that a node of ours uses.
const SNAPSHOTTERS: &[&str] = &["overlayfs", "native"];

pub(crate) async fn ask(channel: Channel) -> Result<Value> {
    let version = VersionClient::new(channel.clone())
        .version(())
        .await?
        .into_inner();
    let list = NamespacesClient::new(channel.clone())
        .list(ListNamespacesRequest::default())
        .await?
        .into_inner();
    let mut namespaces = Map::new();
    for ns in list.namespaces {
        let name = ns.name.as_str();
        let mut about = Map::new();
        about.insert("labels".into(), json!(ns.labels));
        about.insert("images".into(), images(&channel, name).await?);
        about.insert("containers".into(), containers(&channel, name).await?);
        about.insert("tasks".into(), tasks(&channel, name).await?);
        about.insert("snapshots".into(), snapshots(&channel, name).await?);
        about.insert("content".into(), content(&channel, name).await?);
        about.insert("ingests".into(), ingests(&channel, name).await?);
        about.insert("leases".into(), leases(&channel, name).await?);
        about.insert("sandboxes".into(), sandboxes(&channel, name).await);
        namespaces.insert(ns.name, Value::Object(about));
    }
    Ok(json!({
        "version": version.version,
        "revision": version.revision,
        "namespaces": namespaces,
        "cri": cri::list(channel).await?,
    }))
}

fn time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |t| Value::String(t.to_string()))
}

fn any(any: Option<Any>) -> Value {
    any.map_or(Value::Null, |any| {
        let value = serde_json::from_slice(&any.value)
            .unwrap_or_else(|_| Value::String(hex::encode(&any.value)));
        json!({ "type_url": any.type_url, "value": value })
    })
}

fn descriptor(descriptor: Option<Descriptor>) -> Value {
    descriptor.map_or(Value::Null, |d| {
        json!({ "mediatype": d.media_type, "digest": d.digest, "size": d.size, "annotations": d.annotations })
    })
}

async fn images(channel: &Channel, ns: &str) -> Result<Value> {
    let request = within(ns, ListImagesRequest::default())?;
    let mut all = Map::new();
    for image in ImagesClient::new(channel.clone())
        .list(request)
        .await?
        .into_inner()
        .images
    {
        let about = json!({
            "target": descriptor(image.target), "labels": image.labels,
            "createdat": time(image.created_at), "updatedat": time(image.updated_at),
        });
        all.insert(image.name, about);
    }
    Ok(Value::Object(all))
}

async fn containers(channel: &Channel, ns: &str) -> Result<Value> {
    let request = within(ns, ListContainersRequest::default())?;
    let mut all = Map::new();
    for c in ContainersClient::new(channel.clone())
        .list(request)
        .await?
        .into_inner()
        .containers
    {
        let (runtime, options) = c
            .runtime
            .map(|r| (r.name, any(r.options)))
            .unwrap_or_default();
        let extensions: Map<String, Value> = c
            .extensions
            .into_iter()
            .map(|(k, v)| (k, any(Some(v))))
            .collect();
        let about = json!({
            "image": c.image, "snapshotter": c.snapshotter, "snapshotkey": c.snapshot_key, "labels": c.labels,
            "runtime": runtime, "options": options, "sandboxid": c.sandbox, "extensions": extensions,
            "spec": any(c.spec), "createdat": time(c.created_at), "updatedat": time(c.updated_at),
        });
        all.insert(c.id, about);
    }
    Ok(Value::Object(all))
}

async fn tasks(channel: &Channel, ns: &str) -> Result<Value> {
    let request = within(ns, ListTasksRequest::default())?;
    let mut all = Map::new();
    for task in TasksClient::new(channel.clone())
        .list(request)
        .await?
        .into_inner()
        .tasks
    {
        let status = Status::try_from(task.status).map_or("?", |s| s.as_str_name());
        let about = json!({
            "pid": task.pid, "status": status, "exit_status": task.exit_status, "exited_at": time(task.exited_at),
            "stdin": task.stdin, "stdout": task.stdout, "stderr": task.stderr, "terminal": task.terminal,
        });
        all.insert(task.id, about);
    }
    Ok(Value::Object(all))
}

async fn snapshots(channel: &Channel, ns: &str) -> Result<Value> {
    let mut client = SnapshotsClient::new(channel.clone());
    let mut all = Map::new();
    for snapshotter in SNAPSHOTTERS {
        let request = ListSnapshotsRequest {
            snapshotter: (*snapshotter).into(),
            filters: Vec::new(),
        };
        let Ok(answer) = client.list(within(ns, request)?).await else {
            continue;
        };
        let mut answer = answer.into_inner();
        let mut infos = Vec::new();
        while let Ok(Some(part)) = answer.message().await {
            infos.extend(part.info);
        }
        let mut those = Map::new();
        for info in infos {
            let name = info.name.clone();
            those.insert(name, snapshot(&mut client, ns, snapshotter, info).await?);
        }
        if !those.is_empty() {
            all.insert((*snapshotter).into(), Value::Object(those));
        }
    }
    Ok(Value::Object(all))
}

async fn snapshot(
    client: &mut SnapshotsClient<Channel>,
    ns: &str,
    snapshotter: &str,
    info: Info,
) -> Result<Value> {
    let usage = UsageRequest {
        snapshotter: snapshotter.into(),
        key: info.name.clone(),
    };
    let usage = client.usage(within(ns, usage)?).await?.into_inner();
    let kind = match info.kind {
        1 => "View",
        2 => "Active",
        3 => "Committed",
        _ => "?",
    };
    // Committed snapshots cannot be mounted; the others say here which directories they are made of.
    let mounts = MountsRequest {
        snapshotter: snapshotter.into(),
        key: info.name,
    };
    let mounts: Vec<Value> = match client.mounts(within(ns, mounts)?).await {
        Ok(answer) => answer
            .into_inner()
            .mounts
            .into_iter()
            .map(|m| json!({ "type": m.r#type, "source": m.source, "options": m.options }))
            .collect(),
        Err(_) => Vec::new(),
    };
    Ok(json!({
        "kind": kind, "parent": info.parent, "labels": info.labels, "mounts": mounts,
        "size": usage.size, "inodes": usage.inodes,
        "createdat": time(info.created_at), "updatedat": time(info.updated_at),
    }))
}

async fn content(channel: &Channel, ns: &str) -> Result<Value> {
    let request = within(ns, ListContentRequest::default())?;
    let mut answer = ContentClient::new(channel.clone())
        .list(request)
        .await?
        .into_inner();
    let mut all = Map::new();
    while let Some(part) = answer.message().await? {
        for info in part.info {
            let about = json!({
                "size": info.size, "labels": info.labels,
                "createdat": time(info.created_at), "updatedat": time(info.updated_at),
            });
            all.insert(info.digest, about);
        }
    }
    Ok(Value::Object(all))
}

async fn ingests(channel: &Channel, ns: &str) -> Result<Value> {
    let request = within(ns, ListStatusesRequest::default())?;
    let mut all = Map::new();
    for status in ContentClient::new(channel.clone())
        .list_statuses(request)
        .await?
        .into_inner()
        .statuses
    {
        let about = json!({
            "offset": status.offset, "total": status.total, "expected": status.expected,
            "startedat": time(status.started_at), "updatedat": time(status.updated_at),
        });
        all.insert(status.r#ref, about);
    }
    Ok(Value::Object(all))
}

async fn leases(channel: &Channel, ns: &str) -> Result<Value> {
    let mut client = LeasesClient::new(channel.clone());
    let mut all = Map::new();
    for lease in client
        .list(within(ns, ListRequest::default())?)
        .await?
        .into_inner()
        .leases
    {
        let request = within(
            ns,
            ListResourcesRequest {
                id: lease.id.clone(),
            },
        )?;
        let resources: Vec<Value> = client
            .list_resources(request)
            .await?
            .into_inner()
            .resources
            .into_iter()
            .map(|r| json!({ "type": r.r#type, "id": r.id }))
            .collect();
        let about = json!({ "createdat": time(lease.created_at), "labels": lease.labels, "resources": resources });
        all.insert(lease.id, about);
    }
    Ok(Value::Object(all))
}

/// 1.6 has no such service: null.
async fn sandboxes(channel: &Channel, ns: &str) -> Value {
    let Ok(request) = within(ns, StoreListRequest::default()) else {
        return Value::Null;
    };
    let Ok(answer) = StoreClient::new(channel.clone()).list(request).await else {
        return Value::Null;
    };
    answer.into_inner().list.into_iter()
        .map(|s| {
            let extensions: Map<String, Value> = s.extensions.into_iter().map(|(k, v)| (k, any(Some(v)))).collect();
            let runtime = s.runtime.map(|r| r.name);
            (s.sandbox_id, json!({
                "runtime": runtime, "sandboxer": s.sandboxer, "labels": s.labels, "extensions": extensions,
                "createdat": time(s.created_at), "updatedat": time(s.updated_at),
            }))
        })
        .collect()
}

//! Pods and their containers through the CRI.

use std::time::Duration;

use containerd_client::tonic::transport::Channel;
use k8s_cri::v1::image_service_client::ImageServiceClient;
use k8s_cri::v1::runtime_service_client::RuntimeServiceClient;
use k8s_cri::v1::{
    ContainerConfig, ContainerMetadata, ContainerStatusRequest, CreateContainerRequest, ImageSpec,
    ImageStatusRequest, LinuxContainerConfig, LinuxPodSandboxConfig, LinuxSandboxSecurityContext,
    ListContainersRequest, ListImagesRequest, ListPodSandboxRequest, NamespaceOption,
    PodSandboxConfig, PodSandboxMetadata, PodSandboxStatusRequest, PullImageRequest,
    RemoveContainerRequest, RemovePodSandboxRequest, RunPodSandboxRequest, StartContainerRequest,
    StatusRequest, StopContainerRequest, StopPodSandboxRequest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Result, print};

pub(crate) async fn run(channel: Channel, words: &[&str]) -> Result<()> {
    let mut runtime = RuntimeServiceClient::new(channel.clone());
    let mut images = ImageServiceClient::new(channel.clone());
    match *words {
        ["ready"] => ready(&mut runtime).await,
        ["status"] => {
            let answer = runtime.status(StatusRequest { verbose: true }).await?;
            let answer = answer.into_inner();
            print(&json!({ "status": answer.status, "info": unpack(answer.info) }))
        }
        ["pod", config] => {
            let config = load(pod_template(), config)?;
            let request = RunPodSandboxRequest {
                config: Some(config),
                runtime_handler: String::new(),
            };
            println!(
                "{}",
                runtime
                    .run_pod_sandbox(request)
                    .await?
                    .into_inner()
                    .pod_sandbox_id
            );
            Ok(())
        }
        ["container", pod, pod_config, config] => {
            let config = load(container_template(), config)?;
            let request = CreateContainerRequest {
                pod_sandbox_id: pod.into(),
                config: Some(config),
                sandbox_config: Some(load(pod_template(), pod_config)?),
            };
            println!(
                "{}",
                runtime
                    .create_container(request)
                    .await?
                    .into_inner()
                    .container_id
            );
            Ok(())
        }
        ["start", id] => {
            runtime
                .start_container(StartContainerRequest {
                    container_id: id.into(),
                })
                .await?;
            Ok(())
        }
        ["stop", id] => {
            runtime
                .stop_container(StopContainerRequest {
                    container_id: id.into(),
                    timeout: 5,
                })
                .await?;
            Ok(())
        }
        ["remove", id] => {
            runtime
                .remove_container(RemoveContainerRequest {
                    container_id: id.into(),
                })
                .await?;
            Ok(())
        }
        ["stop-pod", id] => {
            runtime
                .stop_pod_sandbox(StopPodSandboxRequest {
                    pod_sandbox_id: id.into(),
                })
                .await?;
            Ok(())
        }
        ["remove-pod", id] => {
            runtime
                .remove_pod_sandbox(RemovePodSandboxRequest {
                    pod_sandbox_id: id.into(),
                })
                .await?;
            Ok(())
        }
        ["pull", image] => {
            let request = PullImageRequest {
                image: Some(spec(image)),
                ..PullImageRequest::default()
            };
            println!(
                "{}",
                images.pull_image(request).await?.into_inner().image_ref
            );
            Ok(())
        }
        ["image", image] => {
            let request = ImageStatusRequest {
                image: Some(spec(image)),
                verbose: true,
            };
            print(&serde_json::to_value(
                images.image_status(request).await?.into_inner(),
            )?)
        }
        ["list"] => print(&list(channel).await?),
        _ => Err(format!("no such CRI verb: {words:?}").into()),
    }
}

fn spec(image: &str) -> ImageSpec {
    ImageSpec {
        image: image.into(),
        ..ImageSpec::default()
    }
}

/// A pod's configuration with every message in it that our files fill in.
fn pod_template() -> PodSandboxConfig {
    let security_context = LinuxSandboxSecurityContext {
        namespace_options: Some(NamespaceOption::default()),
        ..LinuxSandboxSecurityContext::default()
    };
    let linux = LinuxPodSandboxConfig {
        security_context: Some(security_context),
        ..LinuxPodSandboxConfig::default()
    };
    PodSandboxConfig {
        metadata: Some(PodSandboxMetadata::default()),
        linux: Some(linux),
        ..Default::default()
    }
}

/// The same of a container.
fn container_template() -> ContainerConfig {
    ContainerConfig {
        metadata: Some(ContainerMetadata::default()),
        image: Some(ImageSpec::default()),
        linux: Some(LinuxContainerConfig::default()),
        ..ContainerConfig::default()
    }
}

/// Reads a message from JSON. The generated types want every field, so what the file says is laid over a template.
fn load<T: Serialize + DeserializeOwned>(template: T, path: &str) -> Result<T> {
    let mut whole = serde_json::to_value(template)?;
    lay_over(
        &mut whole,
        serde_json::from_str(&std::fs::read_to_string(path)?)?,
    );
    serde_json::from_value(whole).map_err(|e| format!("{path}: {e}").into())
}

fn lay_over(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                lay_over(whole.entry(key).or_insert(Value::Null), value);
            }
        }
        (whole, part) => *whole = part,
    }
}

async fn ready(runtime: &mut RuntimeServiceClient<Channel>) -> Result<()> {
    let mut last = String::new();
    for _ in 0..150 {
        match runtime.status(StatusRequest { verbose: false }).await {
            Ok(response) => {
                let conditions = response
                    .into_inner()
                    .status
                    .map(|s| s.conditions)
                    .unwrap_or_default();
                if !conditions.is_empty() && conditions.iter().all(|c| c.status) {
                    return Ok(());
                }
                last = format!("{conditions:?}");
            }
            Err(status) => last = status.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("the CRI is not ready: {last}").into())
}

/// Everything the CRI knows: the lists, and the verbose status of each entry.
pub(crate) async fn list(channel: Channel) -> Result<Value> {
    let mut runtime = RuntimeServiceClient::new(channel.clone());
    let mut images = ImageServiceClient::new(channel);
    let mut pods = Vec::new();
    for pod in runtime
        .list_pod_sandbox(ListPodSandboxRequest::default())
        .await?
        .into_inner()
        .items
    {
        let request = PodSandboxStatusRequest {
            pod_sandbox_id: pod.id.clone(),
            verbose: true,
        };
        let status = runtime.pod_sandbox_status(request).await?.into_inner();
        pods.push(json!({ "listed": pod, "status": status.status, "info": unpack(status.info) }));
    }
    let mut containers = Vec::new();
    for container in runtime
        .list_containers(ListContainersRequest::default())
        .await?
        .into_inner()
        .containers
    {
        let request = ContainerStatusRequest {
            container_id: container.id.clone(),
            verbose: true,
        };
        let status = runtime.container_status(request).await?.into_inner();
        containers.push(
            json!({ "listed": container, "status": status.status, "info": unpack(status.info) }),
        );
    }
    let images = images
        .list_images(ListImagesRequest::default())
        .await?
        .into_inner()
        .images;
    Ok(json!({ "pods": pods, "containers": containers, "images": images }))
}

/// The verbose answers are maps of JSON documents in strings.
fn unpack(info: std::collections::HashMap<String, String>) -> Value {
    info.into_iter()
        .map(|(key, text)| {
            (
                key,
                serde_json::from_str(&text).unwrap_or(Value::String(text)),
            )
        })
        .collect()
}

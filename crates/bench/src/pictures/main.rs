//! Recreates the README's pictures from one true run of the demo: its live table, and the
//! activity page of its operator.
//!
//! `hack/pictures.sh` builds the binary and calls this.

mod terminal;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, Config};
use serde_json::json;
use testbed::{Browser, Device, Page, Supervisor, fixtures, wait};

/// How long the demo's day takes, and when in it the pictures are taken.
const DAY: Duration = Duration::from_secs(120);
const LEFT: u64 = 36;
/// Where the demo cuts a line; one that has so many columns may end in mid-word.
const FULL: usize = 110;
/// Building the control plane for the first time takes minutes.
const PATIENCE: Duration = Duration::from_secs(1800);
/// About as wide as a README is shown.
const SCREEN: Device = Device { width: 1040, height: 860, scale: 1.0, phone: false, dark: false };

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let usage = "usage: pictures PROGRAM FOLDER";
    let (program, folder) = (words.next().context(usage)?, PathBuf::from(words.next().context(usage)?));
    std::fs::create_dir_all(&folder)?;

    let supervisor = Supervisor::new("polyscaler-pictures")?;
    let program = Path::new(&program).canonicalize().with_context(|| format!("{program} is missing"))?;
    // On a terminal of its own; elsewhere the demo prints plain lines.
    let command = format!("'{}' demo --duration {}s", program.display(), DAY.as_secs());
    let demo = supervisor.spawn("demo", "script", ["-qfec", &command, "/dev/null"], &[])?;
    let output = || std::fs::read_to_string(demo.log_path()).unwrap_or_default();
    let (url, kubeconfig) = tokio::select! {
        addresses = wait::until("the demo to begin", PATIENCE, || async { addresses(&output()) }) => addresses?,
        death = supervisor.first_death(&["demo"]) => return Err(death),
    };
    println!("the demo runs at {url}");
    add_a_failure(&kubeconfig).await?;
    let browser = Browser::start().await?;
    let pages = [("activity-page", SCREEN), ("activity-page-dark", SCREEN.dark())];
    let mut opened = Vec::new();
    for (name, device) in pages {
        let page = browser.page(device).await?;
        page.open(&url).await?;
        opened.push((name, page));
    }
    let screen =
        wait::until("the evening of the demo's day", 2 * DAY, || async { evening(&output()) }).await?;
    std::fs::write(folder.join("demo.svg"), terminal::svg(&screen))?;
    for (name, page) in &opened {
        take(page, &folder.join(format!("{name}.png"))).await?;
    }
    // It ends by itself and clears up.
    ensure!(demo.wait(2 * DAY).await, "the demo does not end");
    if !output().contains("everything that was started has ended") {
        bail!("the demo ended badly:\n{}", demo.last_lines(20));
    }
    println!("pictures are in {}", folder.display());
    Ok(())
}

/// Where the demo's page and its kubeconfig are, once it reports.
fn addresses(output: &str) -> Option<(String, PathBuf)> {
    let url = output.lines().find_map(|line| line.trim().strip_suffix("/ in a browser"))?;
    let kubeconfig = output.lines().find_map(|line| line.trim().strip_prefix("export KUBECONFIG="))?;
    Some((url.to_owned(), PathBuf::from(kubeconfig)))
}

/// An object whose metric cannot be read, as the page is made for such days, too.
async fn add_a_failure(kubeconfig: &Path) -> anyhow::Result<()> {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &options).await?;
    let client = Client::try_from(config)?;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    deployments.create(&PostParams::default(), &fixtures::deployment("warehouse", "default", 3)).await?;
    let gvk = GroupVersionKind::gvk("example.com", "v1", "BusinessScaling");
    let scalings: Api<DynamicObject> = Api::all_with(client, &ApiResource::from_gvk(&gvk));
    let object = json!({
        "apiVersion": "example.com/v1",
        "kind": "BusinessScaling",
        "metadata": { "name": "warehouse" },
        "spec": {
            "targetDeployment": "warehouse",
            "metricSource": "https://warehouse.example.com/open-orders",
            "intervalSeconds": 5,
        },
    });
    scalings.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(())
}

/// The live table, once the day is old enough.
fn evening(output: &str) -> Result<terminal::Screen, String> {
    let screen = terminal::Screen::after(output).beginning_at("polyscaler demo");
    let head = screen.line(0);
    let left = head.split(" s left").next().and_then(|head| head.rsplit(' ').next()?.parse::<u64>().ok());
    match left {
        Some(left) if left <= LEFT && screen.columns() < FULL => Ok(screen),
        _ => Err(head),
    }
}

async fn take(page: &Page, file: &Path) -> anyhow::Result<()> {
    let picture = page.picture(file, true).await?;
    ensure!(picture.colours > 100, "{} shows nothing: {picture:?}", file.display());
    ensure!(page.errors().is_empty(), "the page has errors: {:?}", page.errors());
    Ok(())
}

//! The examples of the documents: what they say may be applied is taken by a real API server and
//! by `polyscaler check`, and the documents of the kinds leave no field out.

use std::io::Write as _;
use std::process::{Command, Stdio};

use kube::ResourceExt as _;

use crate::harness::{POLYSCALER, Scene};
use crate::packaging::helm::{template, values_file};
use crate::packaging::manifests::{dry_run, kind, parse};
use crate::packaging::read;

/// The document of each kind.
const OF_KINDS: [(&str, &str); 5] = [
    ("BusinessScaling", "docs/business-scaling.md"),
    ("GeneralScaler", "docs/general-scaler.md"),
    ("ScalingRule", "docs/scaling-rule.md"),
    ("ScalingGroup", "docs/scaling-group.md"),
    ("ScaledObject", "docs/keda.md"),
];

/// Every document that may have examples.
fn documents() -> Vec<String> {
    let folder = std::fs::read_dir(crate::packaging::repository("docs")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut documents: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    documents.push("README.md".to_owned());
    documents.sort();
    documents
}

/// The YAML blocks of a document that are ours.
fn examples(document: &str) -> Vec<String> {
    blocks(document, "yaml")
}

/// The blocks of a document in that language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = read(document);
    let fence = format!("\n```{language}\n");
    let blocks = text.split(fence.as_str()).skip(1);
    blocks.map(|rest| rest.split_once("\n```").expect("a block that ends").0.to_owned()).collect()
}

fn is_manifest(example: &str) -> bool {
    example.lines().any(|line| line.starts_with("apiVersion:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_manifest_is_taken_by_the_api_server_and_by_check() {
    let scene = Scene::new("docs").await;
    let mut taken = Vec::new();
    for document in documents() {
        for example in examples(&document).into_iter().filter(|example| is_manifest(example)) {
            let objects = parse(&example);
            dry_run(&scene.client, &objects).await;
            is_valid(&document, &example);
            taken.extend(objects.iter().map(|object| format!("{} {}", kind(object), object.name_any())));
        }
    }
    for (kind, document) in OF_KINDS {
        assert!(taken.iter().any(|name| name.starts_with(kind)), "{document} has no example: {taken:?}");
    }
}

/// Whether `polyscaler check` finds nothing wrong with an example.
fn is_valid(document: &str, example: &str) {
    let mut check = Command::new(POLYSCALER);
    let check = check.args(["check", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut check = check.stderr(Stdio::inherit()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(example.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("valid"), "{document}: {said}\n{example}");
}

/// What KEDA's users write is taken as it is.
#[tokio::test(flavor = "multi_thread")]
async fn every_manifest_of_kedas_users_is_taken_by_the_api_server_and_by_check() {
    let scene = Scene::new("keda-docs").await;
    let folder = std::fs::read_dir(crate::packaging::repository("examples/keda")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut taken = 0;
    for name in names.filter(|name| name.ends_with(".yaml")) {
        let (file, text) = (format!("examples/keda/{name}"), read(&format!("examples/keda/{name}")));
        let mut objects = parse(&text);
        for object in objects.iter_mut().filter(|object| !kind(object).starts_with("Cluster")) {
            object.metadata.namespace = Some(scene.namespace.clone());
        }
        dry_run(&scene.client, &objects).await;
        is_valid(&file, &text);
        taken += 1;
    }
    assert!(taken >= 20, "{taken} files");
}

/// Manifests of others are not for us to check; those that Kubernetes knows are judged all the same.
#[tokio::test(flavor = "multi_thread")]
async fn every_manifest_of_kubernetes_is_taken_by_the_api_server() {
    let scene = Scene::new("docs").await;
    let mut taken = Vec::new();
    for example in documents().iter().flat_map(|document| blocks(document, "yml")) {
        let is_known = |version: &str| example.lines().any(|line| line == format!("apiVersion: {version}"));
        if !["v1", "autoscaling/v2"].into_iter().any(is_known) {
            continue;
        }
        let mut objects = parse(&example);
        for object in &mut objects {
            object.metadata.namespace = Some(scene.namespace.clone());
            taken.push(kind(object).to_owned());
        }
        dry_run(&scene.client, &objects).await;
    }
    assert!(
        ["HorizontalPodAutoscaler", "ResourceQuota"]
            .iter()
            .all(|kind| taken.iter().any(|found| found == kind))
    );
}

/// What is no manifest are values of the chart.
#[test]
fn every_example_of_values_is_taken_by_the_chart() {
    let mut taken = 0;
    for document in documents() {
        for example in examples(&document).into_iter().filter(|example| !is_manifest(example)) {
            let values = values_file(&example);
            let rendered = template("example", &["--values", &values.path().display().to_string()]);
            assert!(rendered.is_ok(), "{document}: {rendered:?}\n{example}");
            taken += 1;
        }
    }
    assert!(taken > 0);
}

#[test]
fn the_document_of_a_kind_names_every_field() {
    for known in resources::KINDS {
        let Some((_, document)) = OF_KINDS.iter().find(|(kind, _)| *kind == known.kind) else {
            panic!("{} has no document", known.kind)
        };
        let text = read(document);
        let crd = serde_json::to_value(known.crd(&engine::POLICIES)).unwrap();
        let schema =
            &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
        let spec = schema.as_object().unwrap();
        let nested = ["/safety", "/members/items", "/metrics/items", "/callGraph/items", "/budget"];
        let nested = nested.iter().filter_map(|place| schema.pointer(place)?["properties"].as_object());
        for field in spec.keys().chain(nested.flat_map(|fields| fields.keys())) {
            let named = ["`", "`safety.", "[].", "`budget.", "{", ", "];
            let named = named.iter().any(|before| text.contains(&format!("{before}{field}")));
            assert!(named, "{document} does not name {field}");
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for document in documents() {
        let folder = if document.starts_with("docs/") { "docs/" } else { "" };
        let text = read(&document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.starts_with("http") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let place = if file.is_empty() { document.clone() } else { format!("{folder}{file}") };
            assert!(
                crate::packaging::repository(&place).exists(),
                "{document} links to {place}, which is not there"
            );
            if heading.is_empty() {
                continue;
            }
            let found = read(&place);
            // As GitHub makes them: of signs only hyphens and underscores stay.
            let anchor = |line: &str| -> String {
                let kept = |sign: &char| sign.is_alphanumeric() || " -_".contains(*sign);
                line.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect()
            };
            let anchor = |line: &str| anchor(line).replace(' ', "-");
            let is_there = found.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(is_there, "{document} links to {link}");
        }
    }
}

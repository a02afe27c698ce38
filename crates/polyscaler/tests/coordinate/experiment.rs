//! Experiments on pods that take their time: what is measured, recorded, printed and drawn.

use std::path::Path;
use std::time::Duration;

use kube::api::{ListParams, PostParams};
use testbed::{Signal, fixtures, wait};

use crate::coordinate::store::Store;
use crate::harness::{LIMIT, seconds};

const WEBUI: &str = "teastore-webui";
const DB: &str = "teastore-db";

/// How long pods of the two take.
const DELAYS: [(&str, u64); 2] = [(WEBUI, 1), (DB, 3)];

async fn deploy(store: &Store) {
    for (name, delay) in DELAYS {
        let mut deployment = fixtures::deployment(name, &store.scene.namespace, 1);
        deployment.metadata.labels.get_or_insert_default().insert("app".to_owned(), "teastore".to_owned());
        let deployment = fixtures::with_ready_delay(deployment, Duration::from_secs(delay));
        store.deployments().create(&PostParams::default(), &deployment).await.unwrap();
    }
}

/// That all have the replicas that they were deployed with.
async fn assert_restored(store: &Store) {
    for (name, _) in DELAYS {
        let replicas = store.deployments().get(name).await.unwrap().spec.unwrap().replicas;
        assert_eq!(replicas, Some(1), "{name}");
    }
}

/// The rows of the record so far, each with its fields by column: none where the file is there and its header is not
/// written yet.
fn rows(out: &Path) -> Vec<Vec<(String, String)>> {
    let text = std::fs::read_to_string(out.join("scaling_csv.txt")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().into_iter().flatten().collect();
    lines.map(|row| header.iter().cloned().zip(row).collect()).collect()
}

fn field<'a>(row: &'a [(String, String)], column: &str) -> &'a str {
    &row.iter().find(|(name, _)| name == column).unwrap_or_else(|| panic!("{column} in {row:?}")).1
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_and_the_whole_are_measured() {
    let store = Store::new("experiment", "teastore-webui,teastore-db\nteastore-auth\n").await;
    deploy(&store).await;
    let (experiment, out) =
        store.experiment("# group, from, to, repetitions\ngroup-1, 1, 4, 2\n1,4,0,1\n2,1,2,1\n");
    assert!(experiment.process.wait(seconds(300.0)).await);
    let said = experiment.log();
    assert_eq!(experiment.status(), Some(0), "{said}");
    assert_eq!(experiment.lines(&["unknown member", "teastore-auth", "line=2"]).len(), 1, "{said}");

    let rows = rows(&out);
    let series: Vec<[&str; 4]> = rows
        .iter()
        .map(|row| ["group", "from", "to", "repetition"].map(|column| field(row, column)))
        .collect();
    assert_eq!(series, [["group-1", "1", "4", "1"], ["group-1", "1", "4", "2"], ["group-1", "4", "0", "1"]]);
    for row in &rows {
        let seconds = |column: &str| field(row, column).parse::<f64>().unwrap();
        let (webui, db) = (seconds("teastore-webui_seconds"), seconds("teastore-db_seconds"));
        assert_eq!(seconds("total_seconds"), webui.max(db), "the last member counts: {row:?}");
        assert!(seconds("written_seconds") <= webui.min(db), "{row:?}");
        if field(row, "to") == "4" {
            assert!(webui >= 1.0 && db >= 3.0, "pods take their time: {row:?}");
        }
    }
    for words in
        [["group-1 1→4", WEBUI], ["group-1 1→4", DB], ["group-1 1→4", "total"], ["group-1 4→0", "total"]]
    {
        assert!(said.lines().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} in {said}");
    }
    assert_eq!(experiment.lines(&["member", "mean", "p50", "p95"]).len(), 1, "{said}");
    let svg = std::fs::read_to_string(out.join("scaling_times.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(DB) && svg.contains("group-1 1→4 ×2"), "{svg}");
    assert_restored(&store).await;
    assert_eq!(experiment.lines(&["replicas from before the experiment restored"]).len(), 2, "{said}");
    store.assert_no_finalizers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_makes_no_sense_scales_nothing() {
    let store = Store::new("list", "teastore-webui,teastore-db\n").await;
    store.deploy_podless(&[WEBUI, DB]).await;
    let recorders = store.record(&[WEBUI, DB]).await;
    let (experiment, out) = store.experiment("group-1,1,4,2\ngroup-9,1,2,1\n\n1,2\n");
    assert!(experiment.process.wait(LIMIT).await);
    assert_eq!(experiment.status(), Some(1), "{}", experiment.log());
    for words in [["line 2", "group-9"], ["line 4", "four"]] {
        assert_eq!(experiment.lines(&words).len(), 1, "{}", experiment.log());
    }
    assert!(!out.exists() && recorders.iter().all(|recorder| recorder.replicas().is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_hpa_scales_is_not_measured() {
    let store = Store::new("scaled", "teastore-webui\nteastore-db\n").await;
    deploy(&store).await;
    let recorders = store.record(&[WEBUI, DB]).await;
    let hpas: kube::Api<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler> =
        store.scene.namespaced();
    let hpa = serde_json::json!({
        "metadata": { "name": "by-cpu" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": DB },
            "maxReplicas": 3,
        },
    });
    hpas.create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();
    let (experiment, out) = store.experiment("all,1,2,1\n");
    assert!(experiment.process.wait(LIMIT).await);
    assert_eq!(experiment.status(), Some(1), "{}", experiment.log());
    let words = ["polyscaler: ", "teastore-db of group-2", "HorizontalPodAutoscaler by-cpu"];
    assert_eq!(experiment.lines(&words).len(), 1, "{}", experiment.log());
    assert!(!experiment.log().contains("teastore-webui of"), "{}", experiment.log());
    assert!(!out.exists() && recorders.iter().all(|recorder| recorder.replicas().is_empty()));

    let (experiment, out) = store.experiment("group-1,1,2,1\n");
    assert!(experiment.process.wait(seconds(300.0)).await);
    assert_eq!(experiment.status(), Some(0), "{}", experiment.log());
    assert_eq!(rows(&out).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_interrupts_it_keeps_what_was_measured() {
    let store = Store::new("interrupted", "teastore-webui,teastore-db\n").await;
    deploy(&store).await;
    let (experiment, out) = store.experiment("1,1,3,500\n");
    let recorded = || async {
        let found = if out.join("scaling_csv.txt").exists() { rows(&out).len() } else { 0 };
        if found >= 2 { Ok(()) } else { Err(format!("{found} rows")) }
    };
    wait::until("two rows", LIMIT, recorded).await.unwrap();
    experiment.process.signal(Signal::INT);
    assert!(experiment.process.wait(LIMIT).await);
    assert_eq!(experiment.status(), Some(0), "{}", experiment.log());
    assert!(
        out.join("scaling_times.svg").exists()
            && rows(&out).iter().all(|row| field(row, "failures").is_empty())
    );
    assert_restored(&store).await;
    let leases: kube::Api<k8s_openapi::api::coordination::v1::Lease> = store.scene.namespaced();
    for lease in leases.list(&ListParams::default()).await.unwrap() {
        let holder = lease.spec.unwrap().holder_identity.unwrap_or_default();
        assert_eq!(holder, "", "the Lease is released");
    }
}

//! The groups file changes while it is in use, and so does the application.

use crate::coordinate::store::{SERVICES, Store};

const WEBUI: &str = "teastore-webui";
const DB: &str = "teastore-db";
const AUTH: &str = "teastore-auth";

#[tokio::test(flavor = "multi_thread")]
async fn a_good_edit_counts_and_a_bad_one_leaves_the_last_good_groups() {
    let store = Store::new("edits", "teastore-webui\n").await;
    store.deploy_podless(&[WEBUI, DB, AUTH]).await;
    let recorders = store.record(&[WEBUI, DB, AUTH]).await;
    let coordinator = store.coordinate(&[]);
    recorders[0].wait_for(2).await;
    recorders[1].expect(&[]).await;
    recorders[2].expect(&[]).await;

    store.edit("# both\nteastore-webui, teastore-db # together\n");
    recorders[1].wait_for(2).await;

    store.edit("teastore-webui,teastore-db\n\nteastore-auth,teastore-db\nTea_Store\n");
    for words in [
        ["ERROR", "invalid groups file", "line=3", "teastore-db", "line 1"],
        ["ERROR", "invalid groups file", "line=4", "Tea_Store", "not a valid name"],
    ] {
        coordinator.wait_for_lines(&words, 1).await;
    }
    coordinator.wait_for_actions("group-1", 4).await;
    assert_eq!(coordinator.lines(&["ERROR"]).len(), 2, "once an edit:\n{}", coordinator.log());
    // Nothing of a bad edit counts.
    recorders[2].expect(&[]).await;

    for (bad, words) in
        [(&b""[..], "no line names"), (b"# nothing\n", "no line names"), (b"\xff\n", "not valid UTF-8")]
    {
        let before = coordinator.lines(&["ERROR", words]).len();
        store.edit(bad);
        coordinator.wait_for_lines(&["ERROR", "invalid groups file", words], before + 1).await;
    }
    std::fs::remove_file(&store.groups).unwrap();
    coordinator.wait_for_lines(&["ERROR", "invalid groups file", "cannot be read"], 1).await;
    coordinator.wait_for_actions("group-1", 2).await;

    store.edit("teastore-auth\n");
    recorders[2].wait_for(2).await;
    coordinator.terminate().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_config_map_is_followed_through_its_links() {
    use std::os::unix::fs::symlink;
    let store = Store::new("mounted", "").await;
    store.deploy_podless(&[WEBUI, DB]).await;
    // As the kubelet has it: groups.txt → ..data/groups.txt, and ..data → a folder that is replaced.
    let folder = store.groups.with_file_name("mount");
    let version = |name: &str, text: &str| {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("groups.txt"), text).unwrap();
        symlink(name, folder.join("..new")).unwrap();
        std::fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    };
    version("..1", "teastore-webui\n");
    symlink("..data/groups.txt", folder.join("groups.txt")).unwrap();
    let recorders = store.record(&[WEBUI, DB]).await;
    let file = folder.join("groups.txt").display().to_string();
    let coordinator = store.coordinate(&[("GROUP_FILE", &file)]);
    recorders[0].wait_for(1).await;
    version("..2", "teastore-db\n");
    recorders[1].wait_for(2).await;
    coordinator.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_members_are_named_with_their_line_and_picked_up_later() {
    let store =
        Store::new("unknown", "# front\nteastore-webui,teastore-auth\n\nteastore-db,stranger\n").await;
    store.deploy_podless(&[WEBUI]).await;
    let mut stranger = testbed::fixtures::deployment("stranger", &store.scene.namespace, 1);
    stranger.spec.as_mut().unwrap().paused = Some(true);
    let stranger = store.scene.create_deployment(stranger).await;
    let untouched = stranger.record().await;
    let coordinator = store.coordinate(&[]);
    for words in [
        ["WARN", "line=2", AUTH, "there is no Deployment"],
        ["WARN", "line=4", DB, "there is no Deployment"],
        ["WARN", "line=4", "stranger", "another application"],
    ] {
        coordinator.wait_for_lines(&words, 1).await;
    }
    coordinator.wait_for_actions("group-1", 4).await;
    assert_eq!(coordinator.lines(&["WARN", "unknown member"]).len(), 3, "{}", coordinator.log());

    store.deploy_podless(&[DB, AUTH]).await;
    for recorder in store.record(&[DB, AUTH]).await {
        recorder.wait_for(2).await;
    }
    // It is of another application.
    untouched.expect(&[]).await;

    // Of the application from now on.
    let label = serde_json::json!({ "metadata": { "annotations": { "app_name": "teastore" } } });
    let patch = kube::api::Patch::Merge(label);
    stranger.api.patch("stranger", &kube::api::PatchParams::default(), &patch).await.unwrap();
    untouched.wait_for(1).await;

    // Gone, and named once more.
    store.service(AUTH).delete().await;
    coordinator.wait_for_lines(&["WARN", "line=2", AUTH, "there is no Deployment"], 2).await;
    coordinator.wait_for_actions("group-1", 2).await;
    coordinator.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_may_come_after_the_coordinator() {
    let store = Store::new("first", &crate::coordinate::store::example("groups.txt")).await;
    let coordinator = store.coordinate(&[]);
    coordinator.wait_for_lines(&["WARN", "unknown member"], 7).await;
    store.deploy_podless(&SERVICES).await;
    for recorder in store.record(&SERVICES).await {
        recorder.wait_for(2).await;
    }
    coordinator.terminate().await;
}

//! `polyscaler coordinate`: scales the groups of a groups file together, in any cluster, without
//! CRDs. The groups become ScalingGroups in memory, and the operator's own loop does the rest.
//!
//! ```text
//! groups file ─▶ groups_file ─▶ coordinator ─▶ objects ─▶ Event ─▶ runner
//! Deployments ─▶ app ──────────────┘  ▲                              │
//! GROUP_SPEC  ─▶ group_spec ──────────┘             record ◀─────────┘
//! ```

mod app;
mod args;
mod coordinator;
mod experiment;
mod feed;
mod group_spec;
mod groups_file;
mod judge;
mod objects;
mod own_targets;
mod record;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use cluster::{Clients, LeaseSettings, TargetEvents};
use runner::{Actuator, Clock as _};

use crate::parts::{self, Parts, Record, Servers, Shared, Signals, Wiring};
use app::App;
pub(crate) use args::CoordinateArgs;
use args::RANDOM;
use coordinator::Coordinator;
use feed::Feed;
use group_spec::GroupSpec;
use groups_file::{Content, Group, GroupsFile};
use judge::Judge;
use objects::Settings;
use own_targets::OwnTargets;
use record::GroupJournal;

pub(crate) fn run(arguments: CoordinateArgs) -> anyhow::Result<ExitCode> {
    if let Some(problem) = arguments.contradiction() {
        eprintln!("polyscaler: {problem}");
        return Ok(ExitCode::from(parts::BAD_USAGE));
    }
    match arguments.experiment.clone() {
        Some(list) => parts::run(experiment::start(arguments, list)),
        None => parts::run(coordinate(arguments)),
    }
}

async fn coordinate(arguments: CoordinateArgs) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    let shared = Shared::new(&arguments.parts)?;
    let (content, groups) = groups_at_start(&arguments)?;
    let settings = settings(&arguments, &shared)?;
    let judge = Judge(shared.registry.clone());
    refuse_misfits(&arguments, &judge, &settings, &groups)?;
    let listeners = shared.listen(&arguments.parts, None).await?;
    let clients = connect(&arguments).await?;
    report_start(&arguments, &shared, &settings);

    let servers = Servers::start(listeners);
    let app = App::new(&arguments.app_name);
    let (journal, waiting) = GroupJournal::new(app.clone());
    let (metrics, identity) = (Arc::clone(&shared.metrics), shared.identity.clone());
    let record = |guard, stop| {
        let publisher = TargetEvents::new(&clients, guard, metrics, identity);
        Record { journal, keeping: Box::pin(record::publish(waiting, publisher, stop)) }
    };
    let ours = app.clone();
    let act = |targets| -> Arc<dyn Actuator> { Arc::new(OwnTargets { app: ours, targets }) };
    let coordinator = Coordinator::new(&arguments.group_file, settings, judge, app.clone(), groups);
    coordinator.report_groups();
    let feed = Feed {
        coordinator,
        app,
        namespace: arguments.namespace.clone(),
        file: arguments.group_file.clone(),
        content,
        readiness: Arc::clone(&shared.readiness),
    };
    let watch = |events| feed.run(clients.clone(), events);
    let parts = Parts::start(&shared, &clients, wiring(&arguments, &shared), record, act, watch);
    parts::until_terminated(signals, parts, servers).await
}

/// The groups that there are at the start: with nothing to fall back on, what is valid works and
/// the rest is reported.
fn groups_at_start(arguments: &CoordinateArgs) -> anyhow::Result<(Content, Vec<Group>)> {
    let file = arguments.group_file.display();
    let content = groups_file::read(&arguments.group_file);
    let bytes = match &content {
        Ok(bytes) => bytes,
        Err(problem) => {
            bail!("groups file {file}: {problem}; set GROUP_FILE to a file with one group per line")
        }
    };
    let GroupsFile { groups, problems } = GroupsFile::parse(bytes);
    for problem in &problems {
        let (line, member, problem) = (problem.line, &problem.member, problem.to_string());
        tracing::error!(%file, line, member, problem, "invalid line in the groups file, the others are used");
    }
    if groups.is_empty() {
        let first = problems.first().map(|problem| format!(" ({problem})")).unwrap_or_default();
        bail!(
            "groups file {file}: no line names a Deployment{first}; use one group per line, with names \
             separated by commas"
        );
    }
    Ok((content, groups))
}

fn settings(arguments: &CoordinateArgs, shared: &Shared) -> anyhow::Result<Settings> {
    let seed = match arguments.seed() {
        Some(seed) => seed,
        None => drawn_seed()?,
    };
    Ok(Settings {
        namespace: arguments.namespace.clone(),
        interval: arguments.action_interval,
        min_replicas: arguments.min_replicas,
        max_replicas: arguments.max_replicas,
        policy: arguments.policy().to_owned(),
        dry_run: arguments.dry_run,
        seed,
        group_spec: group_spec(arguments)?,
        created: shared.clock.now(),
    })
}

fn group_spec(arguments: &CoordinateArgs) -> anyhow::Result<Option<GroupSpec>> {
    let Some(path) = arguments.group_spec() else { return Ok(None) };
    let file = path.display();
    let text = std::fs::read_to_string(&path).with_context(|| format!("GROUP_SPEC {file} cannot be read"))?;
    match GroupSpec::parse(&text, arguments.policy()) {
        Ok(spec) => {
            for left_out in spec.left_out() {
                tracing::warn!(%file, left_out, "a field of GROUP_SPEC has no effect");
            }
            Ok(Some(spec))
        }
        Err(problems) => bail!("GROUP_SPEC {file}: {}", problems.join("; ")),
    }
}

/// Ends the start where a group cannot be scaled as it is.
fn refuse_misfits(
    arguments: &CoordinateArgs,
    judge: &Judge,
    settings: &Settings,
    groups: &[Group],
) -> anyhow::Result<()> {
    let misfits = judge.misfits(settings, groups);
    if misfits.is_empty() {
        return Ok(());
    }
    let problems: Vec<&str> = misfits.iter().map(|misfit| misfit.problem.as_str()).collect();
    let spec = arguments.group_spec().map(|file| format!(", GROUP_SPEC {}", file.display()));
    let (policy, spec) = (&settings.policy, spec.unwrap_or_default());
    bail!("policy {policy}{spec}: {}", problems.join("; "))
}

/// A seed from the system's randomness.
fn drawn_seed() -> anyhow::Result<u32> {
    let mut bytes = [0; 4];
    let filled = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| anyhow::anyhow!("the system provides no random numbers; set SEED"))?;
    Ok(u32::from_le_bytes(bytes))
}

async fn connect(arguments: &CoordinateArgs) -> anyhow::Result<Clients> {
    let timeout = arguments.parts.api_timeout;
    Ok(if arguments.kubernetes_pod {
        cluster::connect_in_cluster(timeout)
            .context("KUBERNETES_POD=true: set it to false outside of a pod")?
    } else {
        let kubeconfig = arguments.parts.kubeconfig.as_deref();
        cluster::connect_by_kubeconfig(kubeconfig, timeout)
            .await
            .context("in a pod, set KUBERNETES_POD=true")?
    })
}

fn wiring(arguments: &CoordinateArgs, shared: &Shared) -> Wiring {
    Wiring {
        // A dry run beside the real one must not take its Lease.
        lease: (arguments.parts.leader_elect && !arguments.dry_run).then(|| LeaseSettings {
            namespace: arguments.namespace.clone(),
            namespace_set_by: "NAMESPACE",
            name: lease_name(&arguments.app_name),
            identity: shared.identity.clone(),
            peer_address: None,
            duration: arguments.parts.lease_duration,
            installation: None,
        }),
        namespaces: vec![arguments.namespace.clone()],
        allow_cross_namespace: false,
        defaults: None,
        credential_files: None,
    }
}

/// The Lease of an application. An object's name takes less than an application's: what does not fit is
/// replaced, and a hash keeps two such applications apart.
fn lease_name(app_name: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name: String =
        app_name.chars().map(|c| c.to_ascii_lowercase()).map(|c| if fits(c) { c } else { '-' }).collect();
    if name == app_name && name.len() <= 200 && !name.ends_with('-') {
        return format!("polyscaler-coordinate-{name}");
    }
    // FNV-1a: the same in every version.
    let hash = app_name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let short: String = name.chars().take(200).collect();
    format!("polyscaler-coordinate-{}-{hash:016x}", short.trim_end_matches('-'))
}

fn report_start(arguments: &CoordinateArgs, shared: &Shared, settings: &Settings) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        identity = shared.identity,
        namespace = settings.namespace,
        app = arguments.app_name,
        policy = settings.policy,
        dry_run = settings.dry_run,
        interval_seconds = settings.interval.as_secs(),
        min_replicas = settings.min_replicas,
        max_replicas = settings.max_replicas,
        "starting"
    );
    if arguments.has_default_policy() {
        let advice = "set POLICY, or POLICY=random to silence this warning";
        tracing::warn!(
            policy = RANDOM,
            advice,
            "no policy is set: replicas are random, whatever the load is"
        );
    }
    if settings.policy == RANDOM {
        let advice = "set SEED to this number to repeat the same actions";
        tracing::info!(seed = settings.seed, advice, "seed");
    }
}

#[cfg(test)]
mod tests {
    use super::lease_name;

    #[test]
    fn every_application_has_a_lease_that_can_be_made() {
        assert_eq!(lease_name("teastore"), "polyscaler-coordinate-teastore");
        for name in ["TeaStore", "tea_store", "tea store", "a-", "ä", &"a".repeat(253)] {
            let lease = lease_name(name);
            assert!(lease.len() <= 253, "{lease}");
            let last = lease.chars().last().unwrap();
            assert!(last.is_ascii_digit() || last.is_ascii_lowercase(), "{lease}");
            assert!(
                lease.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
        }
        assert_ne!(lease_name("tea_store"), lease_name("tea-store"));
        assert_ne!(lease_name("tea_store"), lease_name("tea.store"));
    }
}

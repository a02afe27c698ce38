use super::*;
use crate::hpa::{Hpa, HpaSpec};
use crate::pod_metric::PodResource;
use crate::pod_metric::fixture::{NOW, percent_of_cpu, pods};

/// What the one metric of an HPA comes to where 4 pods use 120 percent of what they request, measured as `read`.
fn count(metric: serde_json::Value, read: PodMeasure) -> Result<u32, Absence> {
    let spec = serde_json::json!({ "maxReplicas": 20, "metrics": [metric] });
    let spec: HpaSpec = serde_json::from_value(spec).expect("a spec");
    let hpa = Hpa::compile(&spec, "spec").expect("a sound spec");
    let scale = Scale { replicas: 4, status_replicas: 4, ready: Some(4) };
    let about =
        Circumstances { scale, tolerance: Tolerance::default(), startup: Startup::default(), now: NOW };
    let reading = Reading::Pods { measure: read, pods: pods(4, 120).into(), at: NOW };
    hpa.metrics[0].aim.count(Some(&reading), about).map(|(replicas, _)| replicas)
}

#[test]
fn a_metric_is_decided_by_what_was_measured_for_it_and_by_nothing_else() {
    let of_resource = |name: &str| {
        serde_json::json!({ "type": "Resource", "resource": {
            "name": name, "target": { "type": "Utilization", "averageUtilization": 80 } } })
    };
    let of_container = |container: &str| {
        serde_json::json!({ "type": "ContainerResource", "containerResource": { "name": "cpu", "container": container,
            "target": { "type": "Utilization", "averageUtilization": 80 } } })
    };
    let memory = PodMeasure { resource: PodResource::Memory, ..percent_of_cpu() };
    let at = |container: &str| PodMeasure { container: Some(container.to_owned()), ..percent_of_cpu() };
    for (metric, read, wanted) in [
        (of_resource("cpu"), percent_of_cpu(), Ok(6)),
        (of_resource("memory"), memory.clone(), Ok(6)),
        (of_container("app"), at("app"), Ok(6)),
        (of_container("app"), percent_of_cpu(), Ok(6)),
        // Nobody measures anything but cpu and memory.
        (of_resource("ephemeral-storage"), percent_of_cpu(), Err("cpu was measured")),
        (of_resource("cpu"), memory, Err("memory was measured")),
        (of_resource("cpu"), at("app"), Err("cpu of container app was measured")),
        (of_container("side"), at("app"), Err("cpu of container app was measured at pods, which")),
    ] {
        let found = count(metric.clone(), read);
        match wanted {
            Ok(_) => assert_eq!(
                found.map_err(|absence| absence.message),
                wanted.map_err(str::to_owned),
                "{metric}"
            ),
            Err(part) => {
                let absence = found.expect_err("nothing of it was measured");
                assert_eq!(absence.reason, AbsenceReason::ValueMissing);
                assert!(absence.message.contains(part), "{part} in {}", absence.message);
            }
        }
    }
}

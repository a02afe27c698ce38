//! TeaStore: seven services that call each other, of which one ScalingGroup takes care. Only the
//! load at the entry is measured; what it means for the others follows from who calls whom.

use serde_json::{Value, json};
use testbed::teastore;

use super::{Application, Group, Load, Scenario};
use crate::demo::load;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "groups",
    title: "seven services that call each other follow the load at their entry as one (ScalingGroup)",
    objects: "scalinggroups",
    namespace: "default",
    by_hpa: false,
    group: Some(Group { name: "teastore", a_second: load::page_views_a_second, manifest }),
    applications: &[
        member("teastore-webui", 1, 1),
        member("teastore-auth", 1, 1),
        member("teastore-image", 2, 2),
        member("teastore-recommender", 1, 4),
        member("teastore-persistence", 1, 2),
        member("teastore-db", 1, 3),
        member("teastore-registry", 1, 1),
    ],
};

const fn member(name: &'static str, replicas: i32, ready_after: u64) -> Application {
    Application { name, replicas, ready_after, load: Load::Calls, manifest: None }
}

fn manifest(url: &str) -> Value {
    let mut group = teastore::scaling_group("default", url, 1);
    group["spec"]["safety"] = json!({ "scaleDownStabilizationSeconds": 3 });
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_those_of_the_model() {
        let names: Vec<&str> = SCENARIO.applications.iter().map(|application| application.name).collect();
        let known: Vec<String> = teastore::SERVICES.iter().map(teastore::Service::deployment).collect();
        assert_eq!(names, known);
    }
}

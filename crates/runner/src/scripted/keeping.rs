//! A kind whose objects may keep an HPA and refer to a supporting object, as their annotations say.

use std::time::Duration;

use engine::{Actuation, Fault, FaultKind, KeptHpa, Problem};
use resources::{Compiled, Context, Kind, Lookup, Needs, NotCompiled, Reference, business_scaling};
use serde_json::{Value, json};

use super::Object;
use crate::Event;

/// The annotation with the name of the HPA to keep.
const HPA: &str = "test/hpa";
/// The annotation with the name of the pace by which it is polled.
const PACE: &str = "test/pace";

/// A BusinessScaling in all else.
pub(crate) static KEEPING: Kind = Kind {
    kind: "Keeping",
    plural: "keepings",
    compile,
    needs: Needs { references, hpa: resources::scaled_object::KIND.needs.hpa, ..Needs::NOTHING },
    ..business_scaling::KIND
};

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][name].as_str()
}

fn references(object: &Value) -> Vec<Reference> {
    annotation(object, PACE).map(pace).into_iter().collect()
}

fn pace(name: &str) -> Reference {
    Reference { kind: "Pace", namespace: String::new(), name: name.to_owned() }
}

fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let mut compiled = (business_scaling::KIND.compile)(object, context)?;
    let plan = &mut compiled.plan;
    for reference in references(object) {
        match context.lookup(&reference) {
            Lookup::Found(pace) => {
                plan.interval = Duration::from_secs(pace["spec"]["seconds"].as_u64().unwrap());
            }
            Lookup::Missing => {
                let problem = Problem::new(
                    "metadata.annotations[test/pace]",
                    Fault::new(FaultKind::NotFound, reference.to_string()),
                );
                return Err(NotCompiled::Problems { broken_rules: Vec::new(), others: vec![problem] });
            }
            Lookup::Unknown => {}
        }
    }
    if let Some(name) = annotation(object, HPA) {
        let spec = json!({ "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "maxReplicas": 10 });
        plan.actuation = Actuation::Hpa(KeptHpa { name: name.to_owned(), spec, ..KeptHpa::default() }.into());
    }
    Ok(compiled)
}

impl Object {
    /// The same as an object of the kind that may keep an HPA, of this name.
    pub(crate) fn keeping(self, hpa: Option<&str>) -> Self {
        self.of_kind(&KEEPING).annotated(HPA, hpa)
    }

    /// The same as an object that is polled by the pace of this name.
    pub(crate) fn at_pace(self, name: &str) -> Self {
        self.of_kind(&KEEPING).annotated(PACE, Some(name))
    }
}

/// A pace is there, or is gone.
pub(crate) fn pace_of(name: &str, seconds: Option<u64>) -> Event {
    let object = seconds.map(|seconds| Box::new(json!({ "spec": { "seconds": seconds } })));
    Event::Supporting { reference: pace(name), object }
}

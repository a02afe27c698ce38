//! What `diff` says of each object.

use serde::Serialize;

use super::super::table::plain;

/// One object of the manifests.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Judged {
    pub(super) object: String,
    /// Whether the cluster does not have it yet.
    pub(super) is_new: bool,
    /// What the operator decided last for the object as the cluster has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
    #[serde(flatten)]
    pub(super) found: Found,
}

/// What an object would decide.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Found {
    /// Nothing, as it is invalid.
    Invalid(Vec<String>),
    /// Nothing, as something else owns its target.
    Taken(String),
    /// This.
    Decided {
        /// For each target that was found.
        members: Vec<Member>,
        /// Whether it would only record its decisions.
        observes: bool,
        /// What is missing: a reading, or a target.
        #[serde(skip_serializing_if = "Option::is_none")]
        failing: Option<String>,
        /// What is doubtful about the manifest.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
    },
}

/// What would be decided for one target.
#[derive(Serialize)]
pub(super) struct Member {
    pub(super) target: String,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) steps: Vec<String>,
}

impl Judged {
    /// Whether it is known what the object would decide.
    pub(super) fn is_said(&self) -> bool {
        matches!(&self.found, Found::Decided { failing: None, .. })
    }

    /// Whether replicas would change.
    pub(super) fn changes(&self) -> bool {
        match &self.found {
            Found::Decided { members, observes: false, .. } => {
                members.iter().any(|member| member.from != member.to)
            }
            Found::Decided { .. } | Found::Invalid(_) | Found::Taken(_) => false,
        }
    }

    pub(super) fn print(&self) {
        let new = if self.is_new { " (new)" } else { "" };
        println!("{}{new}", self.object);
        match &self.found {
            Found::Invalid(problems) => {
                problems.iter().for_each(|problem| println!("  invalid: {}", plain(problem)))
            }
            Found::Taken(owner) => println!("  TargetConflict: {owner}"),
            Found::Decided { members, observes, failing, warnings } => {
                members.iter().for_each(Member::print);
                if let Some(failing) = failing {
                    println!("  not ready: {}", plain(failing));
                }
                if *observes {
                    println!("  observes: the decision would be recorded and not applied");
                }
                warnings.iter().for_each(|warning| println!("  warning: {}", plain(warning)));
            }
        }
        if let Some(before) = &self.before {
            println!("  in the cluster: {before}");
        }
    }
}

impl Member {
    fn print(&self) {
        let Self { target, from, to, steps } = self;
        let change = if from == to { format!("{from}, no change") } else { format!("{from} → {to}") };
        println!("  {target}: {change}");
        for step in steps {
            println!("    {}", plain(step));
        }
    }
}

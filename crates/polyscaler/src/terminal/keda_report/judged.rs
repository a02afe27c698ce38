//! What would become of one object, and how it is printed.

use engine::{FaultKind, Problem};
use resources::{KedaDifference, KedaDifferenceKind};
use serde::Serialize;
use serde_json::Value;

use crate::terminal::table::{columns, plain};

/// What would become of one object.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    pub(super) kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    pub(super) name: String,
    /// What is not the same; empty where all is.
    pub(super) notes: Vec<KedaDifference>,
    /// What becomes of its HPA, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hpa: Option<String>,
}

impl Judged {
    pub(super) fn new(object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let plain = |pointer: &str| plain(text(pointer));
        Self {
            kind: plain("/kind"),
            namespace: plain("/metadata/namespace"),
            name: plain("/metadata/name"),
            notes: Vec::new(),
            hpa: None,
        }
    }

    /// It cannot be compiled, as `problem` says.
    pub(super) fn fails(&mut self, problem: &Problem) {
        let kind = match problem.fault.kind {
            FaultKind::NotYet => KedaDifferenceKind::Missing,
            FaultKind::NotFound => KedaDifferenceKind::Incomplete,
            _ => KedaDifferenceKind::Invalid,
        };
        self.note(kind, problem);
    }

    /// Another object has what it wants, as `problem` says.
    pub(super) fn conflicts(&mut self, problem: &Problem) {
        self.note(KedaDifferenceKind::Conflict, problem);
    }

    fn note(&mut self, kind: KedaDifferenceKind, problem: &Problem) {
        let (path, message) = (problem.path.clone(), problem.fault.to_string());
        if self.notes.iter().all(|note| note.path != path || note.kind.works()) {
            self.notes.push(KedaDifference { kind, path, message });
        }
    }

    /// Whether it would do what its spec asks for.
    pub(super) fn works(&self) -> bool {
        self.result().is_none_or(KedaDifferenceKind::works)
    }

    /// The gravest of what is not the same.
    fn result(&self) -> Option<KedaDifferenceKind> {
        self.notes.iter().map(|note| note.kind).max()
    }
}

pub(super) fn print(surroundings: &[String], judged: &[Judged]) {
    for line in surroundings {
        println!("{line}");
    }
    if judged.is_empty() {
        println!("no object of KEDA");
        return;
    }
    if !surroundings.is_empty() {
        println!();
    }
    let head = ["NAMESPACE", "OBJECT", "RESULT", "HPA"].map(str::to_owned).to_vec();
    let row = |judged: &Judged| {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        vec![
            or_dash(&judged.namespace),
            format!("{}/{}", judged.kind, judged.name),
            judged.result().map_or("the same", word).to_owned(),
            or_dash(judged.hpa.as_deref().unwrap_or_default()),
        ]
    };
    print!("{}", columns(&std::iter::once(head).chain(judged.iter().map(row)).collect::<Vec<_>>()));
    for judged in judged.iter().filter(|judged| !judged.notes.is_empty()) {
        println!("\n{} {}/{}", judged.kind, judged.namespace, judged.name);
        for note in &judged.notes {
            let (kind, path, message) = (word(note.kind), plain(&note.path), plain(&note.message));
            println!("  {kind}: {path}{}{message}", if path.is_empty() { "" } else { ": " });
        }
    }
    let missing = judged.iter().filter(|judged| !judged.works()).count();
    println!("\n{} objects, {missing} would not work", judged.len());
}

fn word(kind: KedaDifferenceKind) -> &'static str {
    match kind {
        KedaDifferenceKind::Better => "better",
        KedaDifferenceKind::Differs => "differs",
        KedaDifferenceKind::Missing => "not there yet",
        KedaDifferenceKind::Incomplete => "incomplete",
        KedaDifferenceKind::Invalid => "invalid",
        KedaDifferenceKind::Conflict => "in conflict",
    }
}

//! What is wrong with an object, and where: the words that users read.

use std::fmt;

use serde::Serialize;

/// One thing wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path of the field, as Kubernetes writes it: `spec.metrics[0].config.url`. Empty for the whole object.
    pub path: String,
    /// What is wrong there.
    pub fault: Fault,
}

impl Problem {
    /// A problem of the field at `path`.
    pub fn new(path: impl Into<String>, fault: Fault) -> Self {
        Self { path: path.into(), fault }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return write!(f, "{}", self.fault);
        }
        write!(f, "{}: {}", self.path, self.fault)
    }
}

/// What is wrong with a field, without its place. Prints in the words of the API server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The sort of fault.
    pub kind: FaultKind,
    /// The value and, where it is not plain, what to do. Empty where the kind says it all.
    pub detail: String,
}

/// The sorts of faults, as the API server distinguishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The field is missing or empty.
    Required,
    /// The value is not allowed.
    Invalid,
    /// The value is of another type than the field.
    WrongType,
    /// The value is none of a list.
    Unsupported,
    /// The value is a good one, and nothing is made of it yet.
    NotYet,
    /// An earlier item of the list has the same key.
    Duplicate,
    /// The field must not be set here.
    Forbidden,
    /// What the value names does not exist.
    NotFound,
    /// The text is too long.
    TooLong,
    /// The list has too many items.
    TooMany,
    /// Nobody knows the field.
    UnknownField,
    /// The document cannot be read, or is of no kind that can be judged.
    Unreadable,
}

impl FaultKind {
    /// The words that a fault of this kind begins with; `None` where its detail is the whole text.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Required => Some("Required value"),
            Self::Invalid | Self::WrongType => Some("Invalid value"),
            Self::Unsupported | Self::NotYet => Some("Unsupported value"),
            Self::Duplicate => Some("Duplicate value"),
            Self::Forbidden => Some("Forbidden"),
            Self::NotFound => Some("Not found"),
            Self::TooLong => Some("Too long"),
            Self::TooMany => Some("Too many"),
            Self::UnknownField | Self::Unreadable => None,
        }
    }

    /// The reason of the cause in the API server's Status, for example `FieldValueRequired`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Unsupported | Self::NotYet => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::NotFound => "FieldValueNotFound",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::WrongType => "FieldValueTypeInvalid",
            Self::Invalid | Self::UnknownField | Self::Unreadable => "FieldValueInvalid",
        }
    }
}

impl Fault {
    /// A fault of `kind`.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// The field is missing.
    pub fn required() -> Self {
        Self::new(FaultKind::Required, "")
    }

    /// The value is not allowed, because of `why`. A value that may be a secret is left out.
    pub fn invalid(why: impl Into<String>) -> Self {
        Self::new(FaultKind::Invalid, why)
    }

    /// `value` is not allowed, because of `why`.
    pub fn invalid_value(value: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::invalid(format!("{value}: {why}"))
    }

    /// `value` is none of `supported`, which are printed in quotes.
    pub fn unsupported<T: fmt::Debug>(
        value: impl fmt::Display,
        supported: impl IntoIterator<Item = T>,
    ) -> Self {
        let supported: Vec<String> = supported.into_iter().map(|name| format!("{name:?}")).collect();
        let detail = format!("{value}: supported values: {}", supported.join(", "));
        Self::new(FaultKind::Unsupported, detail)
    }

    /// Nothing is made of the value yet, as `why` says.
    pub fn not_yet(why: impl Into<String>) -> Self {
        Self::new(FaultKind::NotYet, why)
    }

    /// The field must not be set, because of `why`.
    pub fn forbidden(why: impl Into<String>) -> Self {
        Self::new(FaultKind::Forbidden, why)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind.words(), self.detail.as_str()) {
            (None, detail) => f.write_str(detail),
            (Some(words), "") => f.write_str(words),
            (Some(words), detail) => write!(f, "{words}: {detail}"),
        }
    }
}

/// Something that an object may have and hardly means: it is accepted, and people are informed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// Path of the field, as in a [`Problem`]. Empty for the whole object.
    pub path: String,
    /// What is questionable, and what was probably intended.
    pub message: String,
    /// What it is about, for whoever treats some apart.
    #[serde(skip)]
    pub kind: WarningKind,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// What is written in the object.
    #[default]
    Spec,
    /// What would be wrong with the object if it were not paused.
    Withheld,
    /// The replicas to pause at, which cannot be read.
    PausedReplicas,
    /// What the workload lacks.
    Lacking,
    /// Who serves the metrics that the object's HPA reads.
    MetricsApi,
}

impl Warning {
    /// A warning about the field at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), kind: WarningKind::Spec }
    }

    /// The same, about something that is treated apart.
    pub fn about(self, kind: WarningKind) -> Self {
        Self { kind, ..self }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}

//! Where a plan has something from that the object's spec does not say.

/// Something that a plan has from elsewhere than the object's spec, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The field of the spec in whose place it stands, for example `spec.intervalSeconds`.
    pub field: String,
    /// What counts.
    pub value: String,
    /// Where it comes from, in a few words.
    pub from: String,
}

impl Origin {
    /// That `value` stands in place of `field` and comes `from` there.
    pub fn new(field: impl Into<String>, value: impl ToString, from: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_string(), from: from.into() }
    }
}

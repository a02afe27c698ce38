//! What a trigger takes: the names of each parameter, where its value may stand, and what holds without one.

use std::fmt;

/// Where the value of a parameter may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the trigger's metadata, under the parameter's name.
    Metadata,
    /// In the environment of a container of the target; the metadata name the variable, under the parameter's name
    /// with `FromEnv` behind it.
    Env,
    /// In the authentication that the trigger refers to.
    Authentication,
}

/// As KEDA's messages call it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metadata => "triggerMetadata",
            Self::Env => "resolvedEnv",
            Self::Authentication => "authParams",
        })
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    /// Its name, and those that mean the same.
    pub(super) names: &'static [&'static str],
    /// Where its value may stand; the first place that has one counts.
    pub(super) places: &'static [Place],
    /// What holds without a value.
    pub(super) without: Without,
    /// The only values there are; empty where any will do.
    pub(super) choices: &'static [&'static str],
}

/// What holds where a parameter has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Without {
    /// That is a problem.
    Required,
    /// That is all right.
    Nothing,
    /// This value.
    Default(&'static str),
    /// A value is a problem: what to do instead.
    Deprecated(&'static str),
}

impl Parameter {
    const fn new(names: &'static [&'static str], places: &'static [Place], without: Without) -> Self {
        Self { names, places, without, choices: &[] }
    }

    /// One that must have a value.
    pub(super) const fn required(names: &'static [&'static str], places: &'static [Place]) -> Self {
        Self::new(names, places, Without::Required)
    }

    /// One that may be left out.
    pub(super) const fn optional(names: &'static [&'static str], places: &'static [Place]) -> Self {
        Self::new(names, places, Without::Nothing)
    }

    /// One that is `value` where it is left out.
    pub(super) const fn or(
        value: &'static str,
        names: &'static [&'static str],
        places: &'static [Place],
    ) -> Self {
        Self::new(names, places, Without::Default(value))
    }

    /// One that must not have a value any more; `instead` says what to do.
    pub(super) const fn deprecated(
        instead: &'static str,
        names: &'static [&'static str],
        places: &'static [Place],
    ) -> Self {
        Self::new(names, places, Without::Deprecated(instead))
    }

    /// The same, which has one of `choices`, or several with commas between.
    pub(super) const fn one_of(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }

    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Whether its value may stand there.
    pub(super) fn may_stand(&self, place: Place) -> bool {
        self.places.contains(&place)
    }

    /// The places, as KEDA's messages list them.
    pub(super) fn shown_places(&self) -> String {
        let places: Vec<String> = self.places.iter().map(ToString::to_string).collect();
        format!("[{}]", places.join(" "))
    }
}

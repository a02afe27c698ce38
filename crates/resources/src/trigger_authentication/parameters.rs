//! What an authentication comes to: values for parameters of a trigger, by name.

use std::collections::BTreeMap;

use engine::{Credential, Holder};

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// It is known.
    Literal(String),
    /// It is known where it stands; it is read whenever a reading needs it.
    Credential(Credential),
}

/// What a trigger is given beyond its metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Authentication {
    /// Values by the names of parameters.
    pub(crate) parameters: BTreeMap<String, Given>,
    /// What goes to the server of tokens besides, in OAuth 2.
    pub(crate) token_url_params: BTreeMap<String, String>,
    /// The cloud that tells who the operator is, where the trigger is to show that.
    pub(crate) identity: Option<String>,
    /// The operator's file that has the values instead, by their names.
    pub(crate) file: Option<String>,
    /// Whether there may be more: while nobody looks for the authentication, or where it has what is not supported.
    pub(crate) is_partial: bool,
}

impl Authentication {
    /// The value of the parameter called `name`; of a file nobody knows whether it has one.
    pub(crate) fn value(&self, name: &str) -> Option<Given> {
        match &self.file {
            Some(path) => Some(Given::Credential(Holder::File { path: path.clone() }.value(name))),
            None => self.parameters.get(name).cloned(),
        }
    }
}

//! By what a server is trusted, and as whom it knows us: certificates, in PEM format.

use engine::{Absence, Credential, Fault, FaultKind};

use crate::credentials::{Credentials, wrong};
use crate::net::tls::{Tls, Unusable};
use crate::values::settings::Settings;

/// The settings, found good.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    authority: Option<Credential>,
    /// Certificate and key.
    identity: Option<(Credential, Credential)>,
    believes_any: bool,
}

impl Trust {
    /// Reads `caFrom`, `certFrom`, `keyFrom` and `insecureSkipVerify`.
    pub(crate) fn parse(settings: &mut Settings<'_>) -> Self {
        let authority = settings.credential("caFrom");
        let identity = both(settings, "certFrom", "keyFrom");
        let believes_any = settings.flag("insecureSkipVerify");
        if believes_any && authority.is_some() {
            settings.warn("insecureSkipVerify", "with it, caFrom has no effect");
        }
        Self { authority, identity, believes_any }
    }

    /// Whether nothing is set.
    pub(super) fn is_default(&self) -> bool {
        self.authority.is_none() && self.identity.is_none() && !self.believes_any
    }

    /// Refuses certificates that are given for a server without TLS, because of `why`.
    pub(super) fn forbid(&self, settings: &mut Settings<'_>, why: &str) {
        for (field, given) in [("caFrom", self.authority.is_some()), ("certFrom", self.identity.is_some())] {
            // Whether a file has one is known at a reading.
            if given && !settings.may_turn_out_left_out(field) {
                settings.refuse(field, Fault::forbidden(why));
            }
        }
    }

    /// What a connection needs, or which secret cannot be used and why.
    pub(crate) fn tls(&self, secrets: &Credentials) -> Result<Tls, Absence> {
        let mut tls = Tls::default().believing_any(self.believes_any);
        if let Some(reference) = &self.authority {
            tls = tls.trusting(&secrets.value(reference)?);
        }
        if let Some((certificate, key)) = &self.identity {
            tls = tls.known_as(&secrets.value(certificate)?, &secrets.value(key)?);
        }
        // Nothing has been given that could be unusable, and to find that out costs more than all else of a reading.
        if self.authority.is_none() && self.identity.is_none() {
            return Ok(tls);
        }
        // Looked at here, where it is known which secret it comes from.
        match (tls.config(&[]).err(), &self.authority, &self.identity) {
            (Some(Unusable::Authority), Some(authority), _) => Err(wrong(authority, NO_CERTIFICATE)),
            (Some(Unusable::Certificate), _, Some((certificate, _))) => {
                Err(wrong(certificate, NO_CERTIFICATE))
            }
            (Some(Unusable::Key), _, Some((_, key))) => Err(wrong(key, "is not a private key in PEM format")),
            (Some(Unusable::Locked | Unusable::Password | Unusable::Protection), _, Some((_, key))) => {
                Err(wrong(key, "has a password; give the key without one"))
            }
            (Some(Unusable::Pair), _, Some((_, key))) => Err(wrong(key, "does not match the certificate")),
            _ => Ok(tls),
        }
    }
}

/// What is wrong with a text where a certificate is expected.
const NO_CERTIFICATE: &str = "is not a certificate in PEM format";

/// Two settings of which each needs the other.
fn both(
    settings: &mut Settings<'_>,
    one: &'static str,
    other: &'static str,
) -> Option<(Credential, Credential)> {
    let found = (settings.credential(one), settings.credential(other));
    for (given, other) in [(one, other), (other, one)] {
        if settings.has_credential(given) && !settings.has_credential(other) {
            settings.refuse(other, Fault::new(FaultKind::Required, format!("{given} is set")));
        }
    }
    found.0.zip(found.1)
}

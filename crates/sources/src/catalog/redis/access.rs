//! How a server is entered: user, password, database, TLS; and what makes two connections one.
//!
//! Connections are shared by whatever leads to the same server with the same rights. Secrets
//! are part of that, so a changed one leads to a connection of its own.

use std::fmt;

use engine::{Absence, Credential};
use sha2::{Digest as _, Sha256};

use super::node::Node;
use crate::credentials::Credentials;
use crate::net;

/// User and password as the settings name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<Credential>,
}

/// TLS as the settings have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) ca: Option<Credential>,
    pub(super) certificate: Option<Credential>,
    pub(super) key: Option<Credential>,
    pub(super) key_password: Option<Credential>,
    pub(super) server_name: Option<String>,
    pub(super) skip_verify: bool,
}

/// The digest by which connections are distinguished.
pub(super) type AccessKey = [u8; 32];

/// What a connection needs, secrets read. Printing it shows none of them.
#[derive(Clone)]
pub(super) struct Access {
    /// User and password. An empty user is the server's default one.
    pub(super) login: Option<(Option<String>, String)>,
    pub(super) db: u64,
    pub(super) tls: Option<TlsMaterial>,
    /// Whose secrets these are, by name; empty where there are none.
    owner: String,
}

/// What TLS needs, secrets read.
#[derive(Clone)]
pub(super) struct TlsMaterial {
    pub(super) tls: net::tls::Tls,
    pub(super) server_name: Option<String>,
    /// Of all that is in `tls`.
    digest: AccessKey,
}

impl Login {
    /// The credentials that it names.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.password.iter()
    }
}

impl Tls {
    /// The credentials that it names.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &Credential> {
        [&self.ca, &self.certificate, &self.key, &self.key_password].into_iter().flatten()
    }
}

impl Access {
    /// Looks its secrets up.
    pub(super) fn of(
        login: &Login,
        db: u64,
        tls: Option<&Tls>,
        secrets: &Credentials,
    ) -> Result<Self, Absence> {
        let password = login.password.as_ref().map(|reference| secrets.text(reference)).transpose()?;
        // A user without a password is one for whom any will do.
        let entered = login.username.is_some() || password.is_some();
        let login_texts = entered.then(|| (login.username.clone(), password.unwrap_or_default()));
        let references = login.credentials().chain(tls.into_iter().flat_map(Tls::credentials));
        let names: Vec<_> = references.map(|Credential { holder, key }| format!("{holder}/{key}")).collect();
        let tls = tls.map(|tls| TlsMaterial::of(tls, secrets)).transpose()?;
        Ok(Self { login: login_texts, db, tls, owner: names.join("\n") })
    }

    /// Equal for connections that may be one.
    pub(super) fn key(&self, node: &Node) -> AccessKey {
        let mut digest = Sha256::new();
        // Each part with its length, so that none can be moved into its neighbour.
        let mut part = |bytes: Option<&[u8]>| {
            digest.update([u8::from(bytes.is_some())]);
            digest.update((bytes.unwrap_or_default().len() as u64).to_be_bytes());
            digest.update(bytes.unwrap_or_default());
        };
        part(Some(node.to_string().as_bytes()));
        part(Some(&self.db.to_be_bytes()));
        let (username, password) = match &self.login {
            Some((username, password)) => (username.as_deref(), Some(password.as_bytes())),
            None => (None, None),
        };
        part(username.map(str::as_bytes));
        part(password);
        if let Some(tls) = &self.tls {
            part(tls.server_name.as_deref().map(str::as_bytes));
            part(Some(&tls.digest));
        }
        digest.finalize().into()
    }

    /// Equal for what one set of secrets leads to, whatever they hold; `None` without secrets.
    pub(super) fn owner(&self, node: &Node) -> Option<String> {
        let username = self.login.as_ref().and_then(|(username, _)| username.as_deref()).unwrap_or_default();
        let tls = self.tls.as_ref().map(|tls| (&tls.server_name, &tls.tls));
        (!self.owner.is_empty()).then(|| format!("{node}\n{}\n{username}\n{tls:?}\n{}", self.db, self.owner))
    }
}

impl TlsMaterial {
    fn of(settings: &Tls, secrets: &Credentials) -> Result<Self, Absence> {
        let read = |reference: &Option<Credential>| {
            reference.as_ref().map(|reference| secrets.value(reference)).transpose()
        };
        let (ca, certificate) = (read(&settings.ca)?, read(&settings.certificate)?);
        let (key, password) = (read(&settings.key)?, read(&settings.key_password)?);
        let mut digest = Sha256::new();
        digest.update([u8::from(settings.skip_verify)]);
        for file in [&ca, &certificate, &key, &password] {
            let bytes = file.as_deref().unwrap_or_default();
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        }
        let mut tls = net::tls::Tls::default().believing_any(settings.skip_verify);
        if let Some(ca) = ca {
            tls = tls.trusting(&ca);
        }
        if let (Some(certificate), Some(key)) = (certificate, key) {
            tls = tls.known_as(&certificate, &key);
        }
        if let Some(password) = password {
            tls = tls.unlocked_by(&password);
        }
        Ok(Self { tls, server_name: settings.server_name.clone(), digest: digest.finalize().into() })
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let username = self.login.as_ref().and_then(|(username, _)| username.as_deref());
        f.debug_struct("Access")
            .field("username", &username)
            .field("password", &self.login.is_some())
            .field("db", &self.db)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests;

//! The credentials of one reading: who reads them, and what sources find in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

use engine::{Absence, AbsenceReason, Credential, Holder};
use futures::future::{BoxFuture, try_join_all};
use serde_json::Value;

use crate::values::text;

/// Time for reading one holder.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Values by their name in one holder.
pub type Values = BTreeMap<String, Vec<u8>>;

/// Reads what holds credentials, by name, whenever a reading needs it.
pub trait CredentialReader: Send + Sync {
    /// The values of `holder` that are called `keys`, as far as it has them; all of them where no key is named. For
    /// a file, its whole content as [`Credential::WHOLE`].
    ///
    /// # Errors
    /// In a few words why there are none, without any of the content.
    fn read<'a>(
        &'a self,
        holder: &'a Holder,
        keys: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Values, String>>;
}

/// What a query needs of each holder: names of values, or none for all of them.
pub(crate) type Needs = BTreeMap<Holder, BTreeSet<String>>;

/// The credentials read for one reading. Printing them shows names, never values.
#[derive(Clone, Default)]
pub struct Credentials {
    by_holder: BTreeMap<Holder, Values>,
}

impl Credentials {
    /// Reads what `needs` names, all at once.
    pub(crate) async fn read(needs: &Needs, reader: &dyn CredentialReader) -> Result<Self, Absence> {
        let read = needs.iter().map(|(holder, keys)| async move {
            let answer = tokio::time::timeout(TIMEOUT, reader.read(holder, keys)).await;
            let late = || Err(format!("no response within {} s", TIMEOUT.as_secs()));
            let values = answer.unwrap_or_else(|_| late()).map_err(|why| unusable(holder, why))?;
            Ok::<_, Absence>((holder.clone(), values))
        });
        Ok(Self { by_holder: try_join_all(read).await?.into_iter().collect() })
    }

    /// A number that is another where other credentials were read, by which nobody can tell what they are.
    pub(crate) fn digest(&self) -> u64 {
        static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        KEYS.hash_one(&self.by_holder)
    }

    /// Adds what `holder` holds.
    pub fn insert(&mut self, holder: Holder, values: Values) {
        self.by_holder.insert(holder, values);
    }

    /// All that `holder` holds.
    ///
    /// # Errors
    /// An absence that says that it was not read.
    pub fn all(&self, holder: &Holder) -> Result<&Values, Absence> {
        self.by_holder.get(holder).ok_or_else(|| unusable(holder, "it was not read"))
    }

    /// The value of `credential`, as it is stored.
    ///
    /// # Errors
    /// An absence that says why there is none.
    pub fn value(&self, credential: &Credential) -> Result<Vec<u8>, Absence> {
        match self.stored(credential)? {
            None => Err(lacking(credential)),
            Some(value) if value.is_empty() => Err(empty(credential)),
            Some(value) => Ok(value),
        }
    }

    /// The value of one of several places, without blanks around it; `None` where it is empty, or where it may be left
    /// out, as a variable may.
    ///
    /// # Errors
    /// An absence that names what had to be there.
    pub(crate) fn find(&self, credential: &Credential) -> Result<Option<Vec<u8>>, Absence> {
        match (self.stored(credential)?, &credential.holder) {
            (Some(value), _) => Ok(Some(value.trim_ascii().to_vec()).filter(|value| !value.is_empty())),
            (None, Holder::TargetEnv { .. } | Holder::File { .. }) => Ok(None),
            (None, _) => Err(lacking(credential)),
        }
    }

    /// Sets the value of `credential` to one of the object's own, or to a trimmed one.
    pub(crate) fn set(&mut self, credential: &Credential, value: Vec<u8>) {
        let values = self.by_holder.entry(credential.holder.clone()).or_default();
        values.insert(credential.key.clone(), value);
    }

    fn stored(&self, credential: &Credential) -> Result<Option<Vec<u8>>, Absence> {
        let Credential { holder, key } = credential;
        let values = self.all(holder)?;
        match (values.get(key), holder) {
            (None, Holder::File { .. }) if key != Credential::WHOLE => {
                let content = values.get(Credential::WHOLE).map(Vec::as_slice).unwrap_or_default();
                member(content, key).map_err(|why| unusable(holder, why))
            }
            (value, _) => Ok(value.cloned()),
        }
    }

    /// The same as a text without a line break at its end: secrets are often made from files.
    ///
    /// # Errors
    /// An absence that says why there is none, or that it is not UTF-8.
    pub fn text(&self, credential: &Credential) -> Result<String, Absence> {
        let text = String::from_utf8(self.value(credential)?)
            .map_err(|_| wrong(credential, "is not valid UTF-8"))?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}

/// The absence of a reading for which `holder` cannot be used. `why` must not hold a value of it.
pub(crate) fn unusable(holder: &Holder, why: impl fmt::Display) -> Absence {
    Absence { reason: AbsenceReason::SecretUnavailable, message: format!("{holder}: {why}") }
}

/// The absence of a reading for which the value of `credential` cannot be used: it `is` something else.
pub(crate) fn wrong(credential: &Credential, is: impl fmt::Display) -> Absence {
    let Credential { holder, key } = credential;
    unusable(holder, format_args!("the value of its {} {key:?} {is}", word(holder)))
}

/// The absence of a reading for which `credential` is not there.
fn lacking(credential: &Credential) -> Absence {
    let Credential { holder, key } = credential;
    unusable(holder, format_args!("it has no {} {key:?}", word(holder)))
}

/// The absence of a reading for which the value of `credential` is empty.
fn empty(credential: &Credential) -> Absence {
    let Credential { holder, key } = credential;
    unusable(holder, format_args!("its {} {key:?} is empty", word(holder)))
}

/// The absence of a reading for which none of `places` has a value, by the first of them.
pub(crate) fn nowhere(places: &[Credential]) -> Absence {
    let Some((first, more)) = places.split_first() else {
        return unusable(&Holder::Object, "it has no value");
    };
    let Credential { holder, key } = first;
    let others: Vec<String> = more
        .iter()
        .map(|Credential { holder, key }| format!(", nor has the {} {key:?} of {holder}", word(holder)))
        .collect();
    unusable(holder, format_args!("its {} {key:?} has no value{}", word(holder), others.concat()))
}

/// What a value's name is called in such a holder.
fn word(holder: &Holder) -> &'static str {
    match holder {
        Holder::TargetEnv { .. } => "variable",
        Holder::Secret { .. } | Holder::ConfigMap { .. } | Holder::ServiceAccount { .. } => "key",
        Holder::File { .. } => "member",
        Holder::Object => "setting",
    }
}

/// A member of a file that holds a JSON object of strings.
fn member(content: &[u8], key: &str) -> Result<Option<Vec<u8>>, &'static str> {
    const FORM: &str = "it does not hold a JSON object of strings";
    let mut members: BTreeMap<String, Value> =
        serde_json::from_slice(&text::decoded(content, None)).map_err(|_| FORM)?;
    match members.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.into_bytes())),
        Some(_) => Err(FORM),
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_map();
        for (holder, values) in &self.by_holder {
            shown.entry(&format_args!("{holder}"), &values.keys().collect::<Vec<_>>());
        }
        shown.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Holder {
        Holder::Secret { namespace: "shop".to_owned(), name: "db".to_owned() }
    }

    fn holding(holder: Holder, values: &[(&str, &[u8])]) -> Credentials {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect();
        let mut credentials = Credentials::default();
        credentials.insert(holder, values);
        credentials
    }

    #[test]
    fn printing_credentials_shows_no_value() {
        let shown = format!("{:?}", holding(secret(), &[("authorization", b"Bearer abc")]));
        assert!(shown.contains("shop/db") && shown.contains("authorization"), "{shown}");
        assert!(!shown.contains("Bearer") && !shown.contains("66"), "{shown}");
    }

    #[test]
    fn a_value_is_found_by_its_key_or_missed_by_name() {
        let credentials = holding(secret(), &[("a", b"pass\r\n"), ("empty", b""), ("bytes", b"\xff\n")]);
        let of = |key: &str| secret().value(key);
        assert_eq!(credentials.text(&of("a")).as_deref(), Ok("pass"));
        assert_eq!(credentials.value(&of("a")).as_deref(), Ok(&b"pass\r\n"[..]));
        assert_eq!(credentials.value(&of("bytes")).as_deref(), Ok(&b"\xff\n"[..]));
        let other = Holder::ConfigMap { namespace: "shop".to_owned(), name: "db".to_owned() };
        for (credential, message) in [
            (of("b"), "secret shop/db: it has no key \"b\""),
            (of("empty"), "secret shop/db: its key \"empty\" is empty"),
            (of("bytes"), "secret shop/db: the value of its key \"bytes\" is not valid UTF-8"),
            (other.value("a"), "config map shop/db: it was not read"),
        ] {
            let absence = credentials.text(&credential).unwrap_err();
            assert_eq!(
                (absence.reason, absence.message.as_str()),
                (AbsenceReason::SecretUnavailable, message)
            );
        }
    }

    #[test]
    fn a_file_is_read_whole_or_by_its_members() {
        let file = || Holder::File { path: "team/keys".to_owned() };
        let read = |content: &[u8], key: &str| {
            holding(file(), &[(Credential::WHOLE, content)])
                .text(&file().value(key))
                .map_err(|why| why.message)
        };
        assert_eq!(read(b"token\n", Credential::WHOLE).as_deref(), Ok("token"));
        assert_eq!(read(b"{\"a\": \"x\", \"b\": 1}", "a").as_deref(), Ok("x"));
        let failed = |content: &[u8], key: &str| read(content, key).unwrap_err();
        assert_eq!(failed(b"{\"a\": \"x\"}", "c"), "file team/keys: it has no member \"c\"");
        let form = "file team/keys: it does not hold a JSON object of strings";
        assert_eq!(failed(b"{\"b\": 1}", "b"), form);
        assert_eq!(failed(b"hidden", "b"), form);
    }
}

//! Texts that no message may repeat.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, PROXY_AUTHORIZATION};

/// Texts that must not be repeated, even where a server sends them back.
#[derive(Default)]
pub(crate) struct Hidden(Vec<String>);

impl Hidden {
    pub(super) fn add(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }

    /// Hides the value of a header, and what of it is secret by itself: the credential behind its scheme, the password
    /// in that. The longest first, so that each is cut out as a whole.
    pub(super) fn add_header(&mut self, name: &HeaderName, value: &str) {
        self.add(value);
        let carries_credential = [AUTHORIZATION, PROXY_AUTHORIZATION].contains(name);
        if let Some((scheme, credential)) = value.split_once(' ').filter(|_| carries_credential) {
            let credential = credential.trim();
            self.add(credential);
            if scheme.eq_ignore_ascii_case("basic") {
                let login = STANDARD.decode(credential).ok().and_then(|login| String::from_utf8(login).ok());
                self.0.extend(login.and_then(|login| Some(login.split_once(':')?.1.to_owned())));
            }
        }
    }

    /// The text without them.
    pub(crate) fn cut_out(&self, text: &str) -> String {
        let hidden = self.0.iter().filter(|hidden| !hidden.is_empty());
        hidden.fold(text.to_owned(), |text, hidden| text.replace(hidden.as_str(), "***"))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} hidden texts", self.0.len())
    }
}

//! Where a token may go: the origin of an org, and paths on it. Imports nothing of the
//! crate.
//!
//! Every request is an [`OrgPath`] put behind an [`InstanceUrl`], so that no text that an
//! org, a file or a person gives can name another host.

use std::fmt;

use reqwest::Url;

use super::API_VERSION;

/// Under which Salesforce's REST resources are.
const DATA: &str = "/services/data/";

/// The origin of an org, for example `https://coconut.my.salesforce.com`: scheme, host
/// and port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceUrl(Url);

/// Why a text is no address to which a token is sent. None of these repeats the text: it
/// may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstanceUrlError {
    /// It is no address at all.
    #[error("is no web address")]
    NotAnAddress,
    /// It holds a username or a password.
    #[error("holds a username or a password, which an org's address never has")]
    HasCredentials,
    /// A token would go in the clear.
    #[error("does not begin with https://, and a token is only sent over https")]
    NotEncrypted,
    /// It goes on after the host.
    #[error("goes on after the host, and must end there")]
    HasPath,
    /// It is the address for browsers, which has no API.
    #[error("is the address for browsers")]
    ForBrowsers,
}

impl InstanceUrl {
    /// Reads an address; plain HTTP is taken on this machine only.
    ///
    /// # Errors
    /// When a token must not go there.
    pub fn parse(text: &str) -> Result<Self, InstanceUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| InstanceUrlError::NotAnAddress)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InstanceUrlError::HasCredentials);
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(InstanceUrlError::NotAnAddress);
        }
        let is_loopback = is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
            return Err(InstanceUrlError::NotEncrypted);
        }
        if !url.path().trim_matches('/').is_empty()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(InstanceUrlError::HasPath);
        }
        if host.ends_with(".lightning.force.com") {
            return Err(InstanceUrlError::ForBrowsers);
        }
        let mut url = url;
        url.set_path("");
        Ok(Self(url))
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Display for InstanceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// A path on an org's origin, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OrgPath(String);

impl OrgPath {
    /// A REST resource of the API version that is spoken.
    pub fn data(resource: &str) -> Self {
        Self(format!("{DATA}v{API_VERSION}/{resource}"))
    }

    /// An endpoint outside the REST resources.
    pub fn service(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// The path as it stands in a composite request.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of an address that an answer of this org gives; `None` for one that is
    /// not a REST resource on the same origin. Salesforce gives these without a host
    /// (REST API Developer Guide, "Query": `nextRecordsUrl`).
    pub fn followed(origin: &InstanceUrl, address: &str) -> Option<Self> {
        let url = origin.0.join(address).ok()?;
        let is_here = url.origin() == origin.0.origin()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path().starts_with(DATA);
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        is_here.then(|| Self(format!("{}{query}", url.path())))
    }

    /// The whole address.
    pub fn on(&self, origin: &InstanceUrl) -> String {
        format!("{origin}{}", self.0)
    }

    /// The path without the query, whose text may be long.
    pub fn resource(&self) -> &str {
        self.0.split('?').next().unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::InstanceUrl;
    use super::InstanceUrlError as Why;
    use super::OrgPath;

    fn org() -> InstanceUrl {
        InstanceUrl::parse("https://coconut.my.salesforce.com/").expect("an address")
    }

    #[test]
    fn an_address_in_an_answer_is_followed_on_the_same_origin_only() {
        let page = "/services/data/v63.0/query/01gD0000002HU6KIAW-2000";
        let same = format!("https://coconut.my.salesforce.com{page}");
        for good in [page, &same, &format!("{page}?x=%20y")] {
            let path = OrgPath::followed(&org(), good).expect(good);
            assert!(path.on(&org()).starts_with(&same), "{path:?}");
        }
        for bad in [
            "@other.example/services/data/v63.0/query/x",
            ".other.example/services/data/v63.0/query/x",
            ":1/services/data/v63.0/query/x",
            "//other.example/services/data/v63.0/query/x",
            "\\\\other.example/services/data/v63.0/query/x",
            "/\\other.example/services/data/v63.0/query/x",
            "/\t/other.example/services/data/v63.0/query/x",
            "https://other.example/services/data/v63.0/query/x",
            "http://coconut.my.salesforce.com/services/data/v63.0/query/x",
            "https://coconut.my.salesforce.com:8443/services/data/v63.0/query/x",
            "https://a:b@coconut.my.salesforce.com/services/data/v63.0/query/x",
            "/services/data/../../secur/logout.jsp",
            "/services/data/%2e%2e/%2e%2e/secur/logout.jsp",
            "/services/oauth2/revoke?token=x",
            "javascript:x",
            "",
        ] {
            assert_eq!(OrgPath::followed(&org(), bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_goes_to_an_origin_over_https_or_stays_on_this_machine() {
        for good in ["https://coconut.my.salesforce.com", "http://127.0.0.1:80", "http://[::1]:9/"]
        {
            assert!(InstanceUrl::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://localhost:80@other.example", Why::HasCredentials),
            ("https://me:secret@coconut.my.salesforce.com", Why::HasCredentials),
            ("http://coconut.my.salesforce.com", Why::NotEncrypted),
            ("http://127.0.0.1.other.example", Why::NotEncrypted),
            ("ftp://127.0.0.1", Why::NotEncrypted),
            ("https://coconut.my.salesforce.com/path", Why::HasPath),
            ("https://coconut.my.salesforce.com?x=1", Why::HasPath),
            ("https://coconut.lightning.force.com", Why::ForBrowsers),
            ("coconut.my.salesforce.com", Why::NotAnAddress),
            ("https://", Why::NotAnAddress),
            ("", Why::NotAnAddress),
        ] {
            assert_eq!(InstanceUrl::parse(bad), Err(why), "{bad}");
        }
    }
}

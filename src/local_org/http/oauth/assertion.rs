//! Signed assertions of the JWT bearer flow: what they say, and whether the
//! key of an app's certificate has signed them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

/// What an assertion says.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// The consumer key of the app.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The username.
    #[serde(rename = "sub")]
    pub subject: String,
    /// Where it is meant for.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it ends, in seconds since 1970. The Salesforce CLI counts in
    /// milliseconds and is let in, so that no end is too late.
    #[serde(rename = "exp")]
    pub expires: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The claims of an assertion in RS256, not yet checked.
pub fn claims(text: &str) -> Option<Claims> {
    let mut parts = text.split('.');
    let (header, body) = (parts.next()?, parts.next()?);
    (part::<Header>(header)?.alg == "RS256").then(|| part(body))?
}

/// Whether the certificate's key has signed it.
pub fn is_signed(text: &str, certificate: &str) -> bool {
    let Some((signed, signature)) = text.rsplit_once('.') else { return false };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
    let Ok(certificate) = CertificateDer::from_pem_slice(certificate.as_bytes()) else {
        return false;
    };
    webpki::EndEntityCert::try_from(&certificate).is_ok_and(|certificate| {
        let algorithm = webpki::ring::RSA_PKCS1_2048_8192_SHA256;
        certificate.verify_signature(algorithm, signed.as_bytes(), &signature).is_ok()
    })
}

/// Whether a text is a certificate in PEM with an RSA key, so that assertions
/// can be checked with it.
pub fn is_usable(certificate: &str) -> bool {
    let Ok(certificate) = CertificateDer::from_pem_slice(certificate.as_bytes()) else {
        return false;
    };
    // A key of another kind says so before it looks at the signature.
    webpki::EndEntityCert::try_from(&certificate).is_ok_and(|certificate| {
        let algorithm = webpki::ring::RSA_PKCS1_2048_8192_SHA256;
        let checked = certificate.verify_signature(algorithm, b"", b"");
        matches!(checked, Err(webpki::Error::InvalidSignatureForPublicKey))
    })
}

/// Whether an assertion is meant for this org: the two login hosts, or the
/// org's own address.
pub fn is_for_us(audience: &str, instance_url: &str) -> bool {
    let audience = audience.trim_end_matches('/');
    matches!(audience, "https://login.salesforce.com" | "https://test.salesforce.com")
        || audience.eq_ignore_ascii_case(instance_url)
}
